import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

/**
 * A queue that never runs dry, over TLS, in a process of its own: it does almost nothing, so that what a bench measures is the client.
 * Arguments: key file, certificate file, milliseconds per call. Prints its port. Ends with its standard input.
 */
const [, , keyFile = '', certFile = '', latencyArgument = '0'] = process.argv;
const latencyMs = Number(latencyArgument);
const body = 'x'.repeat(1024);
const md5 = createHash('md5').update(body).digest('hex');
let next = 0;
let requests = 0;

function answer(operation: string, input: { MaxNumberOfMessages?: number; Entries?: Array<{ Id: string }> }): object {
  if (operation === 'ReceiveMessage') {
    const count = input.MaxNumberOfMessages ?? 1;
    return {
      Messages: Array.from({ length: count }, () => {
        const id = `00000000-0000-4000-8000-${String(next++).padStart(12, '0')}`;
        return {
          MessageId: id,
          ReceiptHandle: `${id}#${'h'.repeat(300)}`,
          MD5OfBody: md5,
          Body: body,
          Attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1790000000000' },
        };
      }),
    };
  }
  if (operation === 'GetQueueAttributes') return { Attributes: { VisibilityTimeout: '30' } };
  return { Successful: (input.Entries ?? []).map(({ Id }) => ({ Id })), Failed: [] };
}

const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/requests') return void response.end(String(requests));
    requests += 1;
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const text = JSON.stringify(answer(operation, JSON.parse(Buffer.concat(chunks).toString() || '{}')));
    const reply = (): void => {
      response.writeHead(200, {
        'content-type': 'application/x-amz-json-1.0',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    };
    if (latencyMs > 0) setTimeout(reply, latencyMs);
    else reply();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) console.log(address.port);
});
process.stdin.resume().on('end', () => process.exit());
