import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FakeClock {
  /** For the process that has this clock. */
  readonly environment: NodeJS.ProcessEnv;
  /** Moves it at once, such as by '+2h' from the real time. */
  set(offset: string): void;
}

const libraryPath = (): string | undefined => {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime'));
  return folders.flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => name.startsWith('libfaketimeMT.so'))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  })[0];
};

/** A wall clock of libfaketime, told by a file; time-outs go on by the real one. Skips without it. */
export const fakeClock = (context: Mocha.Context, file: string): FakeClock => {
  const library = libraryPath();
  if (library === undefined) {
    process.stdout.write('      skipped: libfaketime is missing (apt-get install faketime)\n');
    return context.skip();
  }
  const set = (offset: string): void => writeFileSync(file, `${offset}\n`);
  set('+0');
  return {
    set,
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  };
};
