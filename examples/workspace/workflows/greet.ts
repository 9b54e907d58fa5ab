import type { Context } from 'bifrost';
import { greetingFor } from '../shared/greetings.ts';

/** Greets somebody: bifrost run workflows/greet.ts --function greet --param name=world */
export async function greet(parameters: { name: string; language?: string }, context: Context) {
  const greeting = greetingFor(parameters.name, parameters.language ?? 'en');
  context.logger.info('greeted', { language: parameters.language ?? 'en' });
  return { greeting, by: context.caller?.name ?? 'nobody in particular' };
}
