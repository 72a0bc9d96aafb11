#!/usr/bin/env node
// Old syntax on purpose: an old Node must get this far to say that it is too old.
var parts = process.versions.node.split('.');
var major = Number(parts[0]);
if (major < 20 || (major === 20 && Number(parts[1]) < 19)) {
  process.stderr.write(`redis-runbook: needs Node 20.19 or newer, this is ${process.versions.node}. [usage]\n`);
  process.exitCode = 2;
} else {
  import('../dist/main.js').catch((error) => {
    var missing = error.code === 'ERR_MODULE_NOT_FOUND';
    process.stderr.write(`redis-runbook: ${missing ? 'not built yet: npm run setup' : error.message}\n`);
    process.exitCode = 70;
  });
}
