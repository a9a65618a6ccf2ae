import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * A server that accepts every SendMessageBatch at once, in a process of its own so that its work is not measured.
 * Started with a folder that holds `key.pem` and `cert.pem`; tells its port, then a running count of requests when asked.
 */
const [folder = '.'] = process.argv.slice(2);
let requests = 0;
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const server = createServer(
  { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests++;
      const { Entries } = JSON.parse(Buffer.concat(chunks).toString()) as {
        Entries: ReadonlyArray<{ Id: string; MessageBody: string }>;
      };
      const Successful = Entries.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: `00000000-0000-0000-0000-${String(requests).padStart(12, '0')}`,
        MD5OfMessageBody: md5(MessageBody),
      }));
      response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify({ Successful, Failed: [] }));
    });
  },
);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => {
  process.send?.({ requests });
  requests = 0;
});
process.on('disconnect', () => process.exit());
