import { openConnection } from './http-connection.js';
import { commandRequest } from './http-request.js';

export interface SameIfMatchResult {
  readonly revisions: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** Revisions at which not exactly one command was taken. */
  readonly wrong: number;
}

const ETAG = /\r\netag: *"(\d+)"/i;

/** Revision by revision, many commands at once that all require it: one may be taken, no more. */
export const runSameIfMatch = async (
  port: number,
  { revisions, connections = 64 }: { readonly revisions: number; readonly connections?: number },
): Promise<SameIfMatchResult> => {
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const statuses: Record<number, number> = {};
  const click = { kind: 'click', animeId: 1, userId: 'user-1' } as const;
  const [first] = open;
  const { head = '' } = (await first?.send(commandRequest(click))) ?? {};
  let revision = ETAG.exec(head)?.[1];
  let wrong = 0;
  try {
    for (let count = 0; count < revisions; count += 1) {
      if (revision === undefined) throw new Error('An answer to a command has no ETag.');
      const request = commandRequest(click, { 'If-Match': `"${revision}"` });
      const answers = await Promise.all(open.map((connection) => connection.send(request)));
      for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
      const taken = answers.filter(({ status }) => status === 201);
      if (taken.length !== 1) wrong += 1;
      revision = ETAG.exec(taken[0]?.head ?? '')?.[1];
    }
  } finally {
    for (const connection of open) connection.close();
  }
  return { revisions, statuses, wrong };
};
