/** Each asks `skiff __complete` for lines of a value, a tab and its description. Without one the shell completes paths. */
export const SCRIPTS = {
  bash: `_skiff() {
  local IFS=$'\\n' lines
  lines=($(skiff __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=("\${lines[@]%%$'\\t'*}")
}
complete -o default -F _skiff skiff
`,
  zsh: `#compdef skiff
_skiff() {
  local -a lines shown
  lines=("\${(@f)$(skiff __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local line
  for line in $lines; do
    [[ -n $line ]] && shown+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#shown )); then _describe skiff shown; else _files; fi
}
if [[ $funcstack[1] == _skiff ]]; then _skiff "$@"; else compdef _skiff skiff; fi
`,
  fish: `function __skiff_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines (skiff __complete -- $words[2..-1] 2>/dev/null)
  if test (count $lines) -gt 0
    string join \\n $lines
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c skiff -f -a '(__skiff_complete)'
`,
} as const;
