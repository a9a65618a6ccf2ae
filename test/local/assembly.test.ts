import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openAssembly } from '../../local/assembly';

const WITH_QUEUE = { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } };
const WITHOUT_QUEUE = { Resources: { Bucket: { Type: 'AWS::S3::Bucket' } } };

describe('openAssembly', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'assembly-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (
    into: string,
    stacks: Record<string, object>,
    environment = 'aws://unknown-account/unknown-region',
  ) => {
    const artifacts: Record<string, object> = {};
    for (const [name, template] of Object.entries(stacks)) {
      writeFileSync(path.join(into, `${name}.template.json`), JSON.stringify(template));
      artifacts[name] = {
        type: 'aws:cloudformation:stack',
        environment,
        properties: { templateFile: `${name}.template.json` },
      };
    }
    writeFileSync(path.join(into, 'manifest.json'), JSON.stringify({ artifacts }));
  };

  test('takes the stack with a queue, with a stand-in account and region', async () => {
    write(directory, { Other: WITHOUT_QUEUE, Work: WITH_QUEUE });
    expect(await openAssembly(directory)).toMatchObject({
      stackName: 'Work',
      account: '000000000000',
      region: 'us-east-1',
    });
  });

  test('keeps account and region that the app names', async () => {
    write(directory, { Work: WITH_QUEUE }, 'aws://111122223333/eu-central-1');
    const assembly = await openAssembly(path.join(directory, 'Work.template.json'));
    expect(assembly).toMatchObject({ account: '111122223333', region: 'eu-central-1' });
    expect(assembly.template.parameter('AWS::Region')).toBe('eu-central-1');
  });

  test('finds stacks in stages', async () => {
    mkdirSync(path.join(directory, 'assembly-Stage'));
    write(path.join(directory, 'assembly-Stage'), { Work: WITH_QUEUE });
    const artifacts = { Stage: { type: 'cdk:cloud-assembly', properties: { directoryName: 'assembly-Stage' } } };
    writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({ artifacts }));
    expect((await openAssembly(directory)).stackName).toBe('Work');
  });

  test('finds assets by the manifest and by their name', async () => {
    write(directory, { Work: WITH_QUEUE });
    mkdirSync(path.join(directory, 'asset.aaa'));
    writeFileSync(path.join(directory, 'bbb.js'), '');
    const files = { bbb: { source: { path: 'bbb.js' } } };
    writeFileSync(path.join(directory, 'Work.assets.json'), JSON.stringify({ files }));
    const assembly = await openAssembly(directory);
    expect(assembly.assetPath('aaa')).toBe(path.join(directory, 'asset.aaa'));
    expect(assembly.assetPath('bbb')).toBe(path.join(directory, 'bbb.js'));
    expect(assembly.assetPath('ccc')).toBeUndefined();
  });

  test('fails when several stacks have a queue, unless one is named', async () => {
    write(directory, { A: WITH_QUEUE, B: WITH_QUEUE });
    await expect(openAssembly(directory)).rejects.toThrow(
      'several stacks have a queue (A, B): choose one with --stack',
    );
    expect((await openAssembly(directory, { stackName: 'B' })).stackName).toBe('B');
    await expect(openAssembly(directory, { stackName: 'C' })).rejects.toThrow("there is no stack 'C'");
  });

  test.each([
    ['without a queue', WITHOUT_QUEUE, 'has no queue (AWS::SQS::Queue)'],
    ['that is no template', { a: 1 }, "has no 'Resources'"],
  ])('fails for a template %s', async (_, template, message) => {
    const file = path.join(directory, 'x.json');
    writeFileSync(file, JSON.stringify(template));
    await expect(openAssembly(file)).rejects.toThrow(message);
  });

  test('fails for a file that does not exist and a directory that is no assembly', async () => {
    await expect(openAssembly('nowhere.template.json')).rejects.toThrow(
      'template nowhere.template.json does not exist',
    );
    await expect(openAssembly(directory)).rejects.toThrow('is no cloud assembly: it has no manifest.json');
  });

  test('runs an app command with its context, and removes what it wrote', async () => {
    let output = '';
    const assembly = await openAssembly('node app.js', {
      context: { ordered: 'true' },
      synthesize: (command, into, context) => {
        expect([command, context]).toEqual(['node app.js', { ordered: 'true' }]);
        output = into;
        write(into, { Work: WITH_QUEUE });
        return Promise.resolve();
      },
    });
    expect(existsSync(output)).toBe(true);
    assembly.dispose();
    expect(existsSync(output)).toBe(false);
  });

  test('fails for an app that writes nothing or ends with an error, and leaves nothing behind', async () => {
    let output = '';
    const nothing = (_: string, into: string) => {
      output = into;
      return Promise.resolve();
    };
    await expect(openAssembly('true app', { synthesize: nothing })).rejects.toThrow('wrote no cloud assembly');
    expect(existsSync(output)).toBe(false);
    await expect(openAssembly(`node -e "throw new Error('no such region')"`)).rejects.toThrow(
      /failed with code 1: .*no such region/,
    );
  });
});
