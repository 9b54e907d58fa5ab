import { type DynamicModule, Inject, Module } from '@nestjs/common';
import { ConfigModule as NestConfigModule, ConfigService, registerAs } from '@nestjs/config';
import type { Settings } from './settings.js';

/** Injection token of the parsed, frozen {@link Settings}. */
export const SETTINGS = Symbol('Settings');

/** Injects the {@link Settings}. */
export const InjectSettings = (): ParameterDecorator => Inject(SETTINGS);

const NAMESPACE = 'settings';

/** Makes settings that `main` has parsed injectable everywhere; nothing else reads the environment. */
@Module({})
export class ConfigModule {
  static register(settings: Settings): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      imports: [
        NestConfigModule.forRoot({ ignoreEnvFile: true, load: [registerAs(NAMESPACE, () => settings)] }),
      ],
      providers: [
        {
          provide: SETTINGS,
          inject: [ConfigService],
          useFactory: (config: ConfigService) => config.getOrThrow<Settings>(NAMESPACE),
        },
      ],
      exports: [SETTINGS],
    };
  }
}
