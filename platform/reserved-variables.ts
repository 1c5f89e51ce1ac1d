/**
 * Names of variables that a function cannot have, because they steer what it runs on instead of the function, behind
 * the back of its permissions. Those of Deno are what its binary reads (2.9.6), those of the C library what it takes
 * from programs with more rights than their user.
 */
const RESERVED = new RegExp(
  [
    "^(DENO_|V8_|SKIFF_|OTEL_|NPM_CONFIG_|JSR_(NPM_)?URL$|COMPLETE$)",
    // What Deno's Node reads: not NODE_ENV, nor names that mean something to packages alone.
    "^NODE_(OPTIONS$|CHANNEL_|CLUSTER_|UNIQUE_ID$|DEBUG_NATIVE$|EXTRA_CA_CERTS$|ICU_DATA$|PATH$|REPL_|TEST_)",
    "^NODE_(USE_|V8_|PENDING_)",
    // Rust's runtime, its threads and its memory; how ICU and JSON are read.
    "^(RUST_|TOKIO_|RAYON_|UV_|MIMALLOC_|JEMALLOC_|_RJEM_|SIMDUTF_|ICU_)",
    // Every instance has a scratch folder of its own, for SQLite as well.
    "^(TMPDIR|TMP|TEMP|TEMPDIR)$",
    "^SQLITE_",
    // Certificates are read from files, and the keys of connections are written to one.
    "^(OPENSSL_|AWSLC_|SSL_CERT_|SSLKEYLOGFILE$|CTLOG_FILE$|RANDFILE$)",
    // What the C library loads and reads, and how it resolves names.
    "^(LD_|DYLD_|GLIBC_|MALLOC_|GCONV_PATH$|GETCONF_DIR$|LOCPATH$|NLSPATH$|TZDIR$|NIS_PATH$|GMON_OUT_PREFIX$)",
    "^(RES_OPTIONS$|RESOLV_|LOCALDOMAIN$|HOSTALIASES$)",
    // Deno connects to a proxy without asking for a permission.
    "^(HTTP|HTTPS|ALL|NO)_PROXY$",
    // Graphics drivers are native code named by variables; so is what listens on a desktop.
    "^(__?EGL|EGL_|VK_|LIBGL|GBM_|MESA_|GALLIUM_|WGPU_|__GL|DBUS_|DISPLAY$|WAYLAND_|XDG_RUNTIME_DIR$)",
  ].join("|"),
  "i",
);

/** Names that a shell keeps for itself: the shell that starts an instance refuses them, or hands on another value. */
const OF_THE_SHELL =
  /^(_|OPTIND|UID|EUID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|LINENO|EPOCH(REALTIME|SECONDS)|(BASH|SHELL)OPTS|BASHPID|BASH_\w+|SHLVL|DIRSTACK|FUNCNAME|HISTCMD)$/;

/** True if a function cannot have a variable of this name. */
export function isReservedVariable(name: string): boolean {
  return RESERVED.test(name) || OF_THE_SHELL.test(name);
}
