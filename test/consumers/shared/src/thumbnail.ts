import { PermanentError, type Handler } from 'cdk-queue-fleet/messaging';

export const handler: Handler = async (message) => {
  if (message.body === '') throw new PermanentError('the message names no picture');
};
