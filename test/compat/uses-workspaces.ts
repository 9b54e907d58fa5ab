import type { PackageUse } from './package-use.js';

const NEST = {
  'tsconfig.json': `{
  // As nest new writes it, with paths.
  "compilerOptions": {
    "module": "nodenext",
    "target": "ES2023",
    "emitDecoratorMetadata": true,
    "experimentalDecorators": true,
    "isolatedModules": true,
    "strict": true,
    "paths": { "@/*": ["./src/*"] },
  },
}`,
};

/** What reads the types of decorated members, in a workspace. */
export const WORKSPACES: readonly PackageUse[] = [
  {
    name: '@nestjs/core',
    title: '@nestjs/core with providers, a controller and a ValidationPipe',
    with: [
      '@nestjs/common',
      '@nestjs/platform-express',
      'reflect-metadata',
      'rxjs',
      'class-validator',
      'class-transformer',
    ],
    files: {
      ...NEST,
      'src/orders.service.ts': `import { Injectable } from '@nestjs/common';
@Injectable() export class OrdersService { total(n: number) { return n * 2; } }`,
      'src/order.dto.ts': `import { IsInt, IsString, Min } from 'class-validator';
export class OrderDto { @IsString() name!: string; @IsInt() @Min(1) count!: number; }`,
      'src/orders.controller.ts': `import { Body, Controller, Post } from '@nestjs/common';
import { OrdersService } from '@/orders.service';
import { OrderDto } from './order.dto.js';
@Controller('orders') export class OrdersController {
  constructor(private readonly orders: OrdersService) {}
  @Post() create(@Body() order: OrderDto) { return { total: this.orders.total(order.count), isDto: order instanceof OrderDto }; }
}`,
      'src/app.module.ts': `import { Module } from '@nestjs/common';
import { OrdersController } from '@/orders.controller';
import { OrdersService } from '@/orders.service';
@Module({ controllers: [OrdersController], providers: [OrdersService] }) export class AppModule {}`,
    },
    code: `import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '@/app.module';
import { OrdersController } from '@/orders.controller';
export default async () => {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const [metatype] = Reflect.getMetadata('design:paramtypes', OrdersController.prototype, 'create');
  const pipe = new ValidationPipe({ transform: true, transformOptions: { enableImplicitConversion: true } });
  const valid = await pipe.transform({ name: 'a', count: '3' }, { type: 'body', metatype });
  const refused = await pipe.transform({ name: 'a', count: 0 }, { type: 'body', metatype }).catch((error) => error.getResponse().message);
  return [app.get(OrdersController).create(valid), refused];
};`,
    is: [{ total: 6, isDto: true }, ['count must not be less than 1']],
  },
  {
    name: 'typeorm',
    title: 'typeorm with entities that name each other, on sql.js',
    with: ['sql.js', 'reflect-metadata'],
    files: {
      ...NEST,
      'src/author.ts': `import { Column, Entity, OneToMany, PrimaryGeneratedColumn } from 'typeorm';
import { Book } from './book.js';
@Entity() export class Author {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
  @OneToMany(() => Book, (book) => book.author) books!: Book[];
}`,
      'src/book.ts': `import { Column, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { Author } from './author.js';
@Entity() export class Book {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @Column() pages!: number;
  @Column({ nullable: true }) published?: Date;
  @ManyToOne(() => Author, (author) => author.books) author!: Author;
}`,
    },
    code: `import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { Author } from '@/author';
import { Book } from '@/book';
export default async () => {
  const source = await new DataSource({ type: 'sqljs', entities: [Author, Book], synchronize: true }).initialize();
  const author = await source.getRepository(Author).save({ name: 'A' });
  await source.getRepository(Book).save({ title: 'T', pages: 3, published: new Date(0), author });
  const [found] = await source.getRepository(Author).find({ relations: { books: true } });
  await source.destroy();
  return [found.name, found.books.map(({ title, pages, published }) => [title, pages, published.toISOString()])];
};`,
    is: ['A', [['T', 3, '1970-01-01T00:00:00.000Z']]],
  },
  {
    name: 'inversify',
    title: 'inversify with injection by type',
    with: ['reflect-metadata'],
    files: {
      ...NEST,
      'src/engine.ts': `import { injectable } from 'inversify';
@injectable() export class Engine { start() { return 'started'; } }`,
    },
    code: `import 'reflect-metadata';
import { Container, injectable } from 'inversify';
import { Engine } from '@/engine';
@injectable() class Car { constructor(private engine: Engine) {} go() { return this.engine.start(); } }
export default () => {
  const container = new Container();
  container.bind(Engine).toSelf();
  container.bind(Car).toSelf();
  return container.get(Car).go();
};`,
    is: 'started',
  },
];
