import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type SecretSettings, secretSettings } from '../../config/slices.js';
import { Refusal } from '../../contract/jobs/refusal.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { SealError, unseal } from './secret-cipher.js';
import { readSealed } from './secret-store.js';

/** Reads secrets of the store for executions. Values go to the runner and to the redactor, and nowhere else. */
@Injectable()
export class SecretReader {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(secretSettings) private readonly settings: SecretSettings,
  ) {}

  /**
   * The values of these secrets of an organization, by name.
   * @throws {Refusal} SECRET_UNAVAILABLE naming the one that is not there or cannot be decrypted.
   */
  async read(organization: string, names: readonly string[]): Promise<Record<string, string>> {
    if (names.length === 0) return {};
    const texts = await this.redis.hmget(this.keys.secretsOf(organization), ...names);
    return Object.fromEntries(
      names.map((name, index) => [name, this.valueOf({ organization, name }, texts[index] ?? null)]),
    );
  }

  private valueOf(place: { organization: string; name: string }, text: string | null): string {
    const { organization, name } = place;
    if (text === null)
      throw unavailable(
        `The organization ${organization} has no secret ${name}: set it with bifrost secrets set`,
      );
    const sealed = readSealed(text);
    try {
      if (!sealed) throw new SealError('its record cannot be read');
      return unseal(this.settings.keys, place, sealed);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw unavailable(`The secret ${name} of ${organization} cannot be decrypted here: ${error.message}`);
    }
  }
}

const unavailable = (message: string): Refusal => new Refusal('SECRET_UNAVAILABLE', message, 'secret_names');
