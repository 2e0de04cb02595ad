#!/usr/bin/env node
// Starts the program. Plain JavaScript of years ago: a Node.js that is too old to run TypeScript must still be able to
// read this file. Where the running one is too old, the one that is installed with the project takes over.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const oldestNode = 24;
const program = fileURLToPath(new URL('./forgeguard.ts', import.meta.url));
const installed = new URL('../node_modules/node/', import.meta.url);

/** @param {unknown} version */
function isOld(version) {
  return !(Number.parseInt(String(version), 10) >= oldestNode);
}

/** The Node.js of the project's own dependency, where it is there and new enough. */
function findNode() {
  const names = process.platform === 'win32' ? ['bin/node.exe', 'node.exe'] : ['bin/node'];
  try {
    /** @type {unknown} */
    const manifest = JSON.parse(readFileSync(new URL('package.json', installed), 'utf8'));
    const isFit = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
    if (!isFit || isOld(manifest.version)) return undefined;
  } catch {
    return undefined;
  }
  return names.map((name) => fileURLToPath(new URL(name, installed))).find((path) => existsSync(path));
}

/** @param {string} node */
function runWith(node) {
  const child = spawn(node, [program].concat(process.argv.slice(2)), { stdio: 'inherit' });
  // A terminal sends its signals to both; only those that reach this process alone are handed on.
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  if (!process.stdin.isTTY) process.on('SIGHUP', () => child.kill('SIGHUP'));
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('error', (error) => {
    process.stderr.write(`forgeguard: couldn't start ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('close', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}

if (!isOld(process.versions.node)) {
  await import('./forgeguard.ts');
} else {
  const node = findNode();
  if (node !== undefined) runWith(node);
  else {
    process.stderr.write(
      `forgeguard needs Node.js ${oldestNode} or newer and this is ${process.versions.node}: install it, or run \`npm ci\` in ${fileURLToPath(new URL('..', import.meta.url))}\n`,
    );
    process.exitCode = 2;
  }
}
