import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate for 127.0.0.1 that only its own file vouches for. */
export const selfSignedCertificate = async (directory: string) => {
  const [keyFile, caFile] = [join(directory, 'key.pem'), join(directory, 'ca.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', [
    ...kind,
    ...name,
    '-nodes',
    '-days',
    '2',
    '-keyout',
    keyFile,
    '-out',
    caFile,
  ]);
  const [key, cert] = await Promise.all([readFile(keyFile), readFile(caFile)]);
  return { caFile, key, cert };
};
