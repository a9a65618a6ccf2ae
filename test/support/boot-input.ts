import type { BootScriptInput } from '../../lib/private/boot/input';

/** What the boot of an instance may depend on. */
export const BOOT_INPUT: BootScriptInput = {
  region: 'eu-west-1',
  bucketName: 'assets',
  objectKey: 'code.zip',
  environmentFile: 'A="1"\n',
  environmentNames: ['A'],
  bootCommands: [],
  healthPort: 9180,
  logGroupName: 'logs',
  readyWithinSeconds: 450,
  stopTimeoutSeconds: 330,
  memoryMax: '90%',
  secrets: [
    { name: 'PARAMETER', kind: 'parameter', id: '/a/b' },
    { name: 'SECRET', kind: 'secret', id: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:s', field: 'password' },
  ],
};
