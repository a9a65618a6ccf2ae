/** What the worker loads: the handler on this machine's environment, so that a wrong one fails the boot. */
import type { Handler } from '../../messaging';
import { contextFromEnvironment, createHandler } from './handler';

const { context, uploadsBucket } = contextFromEnvironment(process.env);

export const handler: Handler = createHandler(context, uploadsBucket);
export default handler;
