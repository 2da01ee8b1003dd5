#!/usr/bin/env node
/*
 * Older versions of Node fail to load the program, with a stack trace. So this file checks the version
 * before it imports anything, in syntax that old versions can read.
 */
const LOWEST = [20, 19];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [lowestMajor = 0, lowestMinor = 0] = LOWEST;

if (major < lowestMajor || (major === lowestMajor && minor < lowestMinor)) {
  process.stderr.write(
    `Node ${process.versions.node} is too old: Anime Analytics needs Node ${LOWEST.join('.')} or newer. Install it from https://nodejs.org.\n`,
  );
  process.exitCode = 2;
} else {
  void import('./program.js');
}

export {};
