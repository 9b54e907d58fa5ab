import { type DynamicModule, Inject, Module } from '@nestjs/common';
import { ConfigModule as NestConfigModule, registerAs } from '@nestjs/config';
import type { Settings } from './settings.js';
import { type Slice, SLICES } from './slices.js';

/** Injects one slice of the settings: `@InjectSettings(queueSettings) settings: QueueSettings`. */
export const InjectSettings = (slice: Slice<object>): ParameterDecorator => Inject(slice.KEY);

/** Makes the slices of settings that `main` has parsed injectable everywhere; nothing else reads the environment. */
@Module({})
export class ConfigModule {
  static register(settings: Settings): DynamicModule {
    return {
      module: ConfigModule,
      imports: [
        NestConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          load: SLICES.map((slice) => registerAs(slice.name, () => slice.of(settings))),
        }),
      ],
    };
  }
}
