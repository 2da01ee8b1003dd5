import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  clientExamples,
  compile,
  installClient,
  printedBy,
  runScript,
} from '../support/client-examples.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('an example of docs/client.md, with the package installed from its tarball', function () {
  this.timeout(120_000);

  const examples = clientExamples('ts');
  const fileOf = (name: string): string => `${name.replace(/\W+/g, '-').toLowerCase()}.ts`;
  let service: ServiceProcess;
  let data: Awaited<ReturnType<typeof temporaryDirectory>>;
  let project: Awaited<ReturnType<typeof temporaryDirectory>>;

  before(async () => {
    data = await temporaryDirectory();
    project = await temporaryDirectory();
    service = await startServiceProcess({
      dataDir: data.path,
      args: ['--sample-catalog', 'data/sample-catalog.csv'],
    });
    await installClient(project.path);
    for (const { name, text } of examples) {
      const addressed = text
        .replaceAll('http://localhost:8000', service.commandUrl)
        .replaceAll('http://localhost:8001', new URL('/', service.queryUrl).href);
      await writeFile(join(project.path, fileOf(name)), addressed);
    }
  });
  after(async () => {
    await service.end('SIGTERM');
    await project.remove();
    await data.remove();
  });

  it('compiles strictly, with the types of a browser alone', () => {
    expect(examples).to.have.length(5);
    const wrong = compile(
      project.path,
      examples.map(({ name }) => fileOf(name)),
    );
    expect(wrong).to.deep.equal([]);
  });

  for (const { name, text } of examples) {
    it(`prints what it says: ${name}`, async () => {
      const printed = await runScript(project.path, fileOf(name).replace('.ts', '.js'));
      expect(printedBy(text)).not.to.equal('');
      expect(printed).to.equal(printedBy(text));
    });
  }
});
