#!/usr/bin/env node
/*
 * Older versions of Node fail to load what the program imports, with a stack of theirs. So nothing
 * is imported here before the version is known, and all of it is written as they can read it.
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
