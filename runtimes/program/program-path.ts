/** Where programs are looked up, besides the folder of Node that Skiff brings. */
export const PROGRAM_FOLDERS = ["/usr/local/bin", "/usr/bin", "/bin"] as const;
