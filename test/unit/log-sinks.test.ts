import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { expect } from 'chai';
import { dailyFiles } from '../../src/platform/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const DAY_MS = 24 * 3600 * 1000;
const START = Date.parse('2026-03-01T12:00:00.000Z');

const fileOf = (at: number): string =>
  `anime-analytics-${new Date(at).toISOString().slice(0, 10)}.log`;

describe('the daily log files', () => {
  let temporary: Awaited<ReturnType<typeof temporaryDirectory>>;
  let now: number;
  let lost: number;
  let opened: Writable[];

  beforeEach(async () => {
    temporary = await temporaryDirectory();
    [now, lost, opened] = [START, 0, []];
  });
  afterEach(async () => {
    for (const each of opened) each.destroy();
    await temporary.remove();
  });

  const open = (directory = temporary.path): Writable => {
    const files = dailyFiles(
      directory,
      () => (lost += 1),
      () => now,
    );
    opened.push(files);
    return files;
  };
  const path = (at = now): string => join(temporary.path, fileOf(at));
  const holds = (text: string, file = path()) =>
    eventually(async () => expect(await readFile(file, 'utf8')).to.equal(text));

  it('append to the existing file of the day', async () => {
    await writeFile(path(), 'before\n');
    open().write('after\n');
    await holds('before\nafter\n');
  });

  it('never append to a line that a full disk or a crash cut off', async () => {
    await writeFile(path(), '{"level":"in');
    const files = open();
    files.write('whole\n');
    files.write('whole\n');
    await holds('{"level":"in\nwhole\nwhole\n');
  });

  it('start a new file at midnight in UTC', async () => {
    now = Date.parse('2026-03-01T23:59:59.999Z');
    const files = open();
    files.write('first\n');
    now += 1;
    files.write('second\n');
    await holds('first\n', path(now - 1));
    await holds('second\n');
  });

  it('are kept for 14 days, and other files are left alone', async () => {
    await writeFile(join(temporary.path, 'anime-analytics-notes.log'), '');
    await writeFile(join(temporary.path, 'another-2020-01-01.log'), '');
    const files = open();
    const days = Array.from({ length: 20 }, (_, day) => START + day * DAY_MS);
    for (now of days) files.write('line\n');
    await holds('line\n');
    expect((await readdir(temporary.path)).sort()).to.deep.equal([
      ...days.slice(-14).map(fileOf),
      'anime-analytics-notes.log',
      'another-2020-01-01.log',
    ]);
    expect(lost).to.equal(0);
  });

  it('are written although an old one cannot be removed', async () => {
    await mkdir(join(temporary.path, fileOf(0)));
    for (let day = 1; day <= 14; day++) await writeFile(path(START - day * DAY_MS), '');
    open().write('line\n');
    await holds('line\n');
    expect(lost).to.equal(0);
  });

  for (const [what, vanish] of [
    ['is removed', (file: string) => rm(file)],
    ['is renamed, as logrotate does', (file: string) => rename(file, `${file}.1`)],
    ['is removed with its directory', (file: string) => rm(join(file, '..'), { recursive: true })],
  ] as const) {
    it(`are reopened within a second where one ${what}`, async () => {
      const files = open();
      files.write('before\n');
      await holds('before\n');
      await vanish(path());
      now += 1000;
      files.write('after\n');
      await holds('after\n');
      expect(lost).to.equal(0);
    });
  }

  it('count lines lost to a full disk, and continue once it has space', async () => {
    await symlink('/dev/full', path());
    const files = open();
    for (let line = 1; line <= 3; line++) {
      files.write('lost\n');
      await eventually(() => expect(lost).to.equal(line));
      now += 1000;
    }
    await rm(path());
    files.write('kept\n');
    await holds('kept\n');
    expect(lost).to.equal(3);
  });

  it('retry a failed file once a second at most', async () => {
    await symlink('/dev/full', path());
    const files = open();
    files.write('lost\n');
    await eventually(() => expect(lost).to.equal(1));
    await rm(path());
    now += 999;
    files.write('lost, too\n');
    expect(lost).to.equal(2);
    expect(await readdir(temporary.path)).to.deep.equal([]);
    now += 1;
    files.write('kept\n');
    await holds('kept\n');
  });

  it('count every line of a burst lost to a full disk', async () => {
    await symlink('/dev/full', path());
    const files = open();
    for (let line = 0; line < 1000; line++) files.write('lost\n');
    await eventually(() => expect(lost).to.equal(1000));
  });

  it('buffer a few megabytes at most for a disk that hangs', async () => {
    const files = open();
    // All in one turn: no write can end meanwhile, as on a disk that hangs.
    const line = `${'x'.repeat(64 * 1024 - 1)}\n`;
    for (let count = 0; count < 512; count++) files.write(line);
    expect(lost * line.length).to.be.greaterThan(20 * 1024 * 1024);
    const kept = (512 - lost) * line.length;
    expect(kept).to.be.within(8 * 1024 * 1024, 9 * 1024 * 1024);
    await eventually(async () => expect((await readFile(path())).length).to.equal(kept));
    files.write('again\n');
    await eventually(async () => expect(await readFile(path(), 'utf8')).to.match(/again\n$/));
  });

  it('never block the writer', () => {
    const files = open();
    expect(files.write(`${'x'.repeat(1024 * 1024)}\n`)).to.equal(true);
    expect(files.writableLength).to.equal(0);
  });

  it('refuse a directory that is a file', async () => {
    const file = join(temporary.path, 'file');
    await writeFile(file, '');
    expect(() => open(file)).to.throw(/EEXIST|ENOTDIR/);
    await mkdir(join(temporary.path, 'within'));
    expect(() => open(join(temporary.path, 'within'))).not.to.throw();
  });
});
