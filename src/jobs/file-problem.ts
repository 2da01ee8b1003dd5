/** Why a file cannot be read, as the end of a sentence; undefined for any other error. */
export const fileProblem = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? FILE_PROBLEMS.get(error.code) : undefined;

const FILE_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file.'],
  ['ENOTDIR', 'there is no such file.'],
  ['EISDIR', 'this is a directory, not a file.'],
  ['EACCES', 'this user may not read the file.'],
]);
