/** Rules of class will-not-start that no config file can answer: who runs a node, and how it is started. */
export const notInFiles: ReadonlySet<string> = new Set(['sentinel-config-not-writable', 'systemd-daemonize-mismatch']);
