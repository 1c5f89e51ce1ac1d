/**
 * Variables that configure the runtime below a function, and so bypass its permissions. The list has the variables that
 * Deno's binary reads (2.9.6) and those that the C library ignores in set-user-ID programs.
 */
const RESERVED = new RegExp(
  [
    "^(DENO_|V8_|SKIFF_|OTEL_|NPM_CONFIG_|JSR_(NPM_)?URL$|COMPLETE$)",
    // Deno's Node compatibility; without NODE_ENV and names that only packages read.
    "^NODE_(OPTIONS$|CHANNEL_|CLUSTER_|UNIQUE_ID$|DEBUG_NATIVE$|EXTRA_CA_CERTS$|ICU_DATA$|PATH$|REPL_|TEST_)",
    "^NODE_(USE_|V8_|PENDING_)",
    // Rust's runtime, its threads and its memory; ICU and JSON parsing.
    "^(RUST_|TOKIO_|RAYON_|UV_|MIMALLOC_|JEMALLOC_|_RJEM_|SIMDUTF_|ICU_)",
    // Every instance has a scratch folder of its own, for SQLite as well.
    "^(TMPDIR|TMP|TEMP|TEMPDIR)$",
    "^SQLITE_",
    // Files that certificates are read from, and that keys of connections are written to.
    "^(OPENSSL_|AWSLC_|SSL_CERT_|SSLKEYLOGFILE$|CTLOG_FILE$|RANDFILE$)",
    // The C library: files that it loads and reads, and how it resolves names.
    "^(LD_|DYLD_|GLIBC_|MALLOC_|GCONV_PATH$|GETCONF_DIR$|LOCPATH$|NLSPATH$|TZDIR$|NIS_PATH$|GMON_OUT_PREFIX$)",
    "^(RES_OPTIONS$|RESOLV_|LOCALDOMAIN$|HOSTALIASES$)",
    // Deno connects to a proxy without a permission.
    "^(HTTP|HTTPS|ALL|NO)_PROXY$",
    // Variables that name graphics drivers, which are native code, and services of a desktop.
    "^(__?EGL|EGL_|VK_|LIBGL|GBM_|MESA_|GALLIUM_|WGPU_|__GL|DBUS_|DISPLAY$|WAYLAND_|XDG_RUNTIME_DIR$)",
  ].join("|"),
  "i",
);

/** Variables of the shell that starts an instance: it rejects them or replaces their value. */
const OF_THE_SHELL =
  /^(_|OPTIND|UID|EUID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|LINENO|EPOCH(REALTIME|SECONDS)|(BASH|SHELL)OPTS|BASHPID|BASH_\w+|SHLVL|DIRSTACK|FUNCNAME|HISTCMD)$/;

/** Whether a shell refuses to set a variable of this name. */
export function isShellVariable(name: string): boolean {
  return OF_THE_SHELL.test(name);
}

/** Whether functions cannot set a variable of this name. */
export function isReservedVariable(name: string): boolean {
  return RESERVED.test(name) || OF_THE_SHELL.test(name);
}
