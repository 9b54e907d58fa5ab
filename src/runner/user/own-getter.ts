import { defineProperty, prototypeOf } from '../channel/primordials.js';

/** Has what is made of it carry the private field of the class below, which code can neither see nor reach. */
class Given {
  constructor(object: object) {
    return object;
  }
}

/** An object with the function that its property is read by. */
class Read extends Given {
  readonly #read: () => unknown;

  constructor(object: object, read: () => unknown) {
    super(object);
    this.#read = read;
  }

  /** Of the object itself, or of the first that it inherits from. */
  static of(object: object): (() => unknown) | null {
    for (let each: object | null = object; each !== null; each = prototypeOf(each))
      if (#read in each) return each.#read;
    return null;
  }
}

const NOTHING = (): undefined => undefined;

/**
 * A property that objects of one kind have themselves, and that is read by a function: one getter for all of them.
 *
 * A getter of its own would keep each object, and all that the getter reaches, until a full collection of garbage: V8 makes the
 * pair of getter and setter among what is old, and takes what is old for alive until then. Objects whose getters differ
 * also have no shape in common, which makes them slow.
 */
export class OwnGetter<Name extends string, Value> {
  private newest: () => unknown = NOTHING;
  /** Without a prototype, to which code may give a `value`. */
  private readonly descriptor: PropertyDescriptor;

  constructor(private readonly name: Name) {
    const valueOf = (receiver: object): unknown => (Read.of(receiver) ?? this.newest)();
    const get = function get(this: object): unknown {
      return valueOf(this);
    };
    this.descriptor = { __proto__: null, get, enumerable: true, configurable: true } as PropertyDescriptor;
  }

  /** Gives an object this property, or another of this class: no object can have two. */
  put<T extends object>(object: T, read: () => Value): T & Readonly<Record<Name, Value>> {
    // A proxy does not show whose it is. There is one execution at a time, and what is its is the newest.
    this.newest = read;
    defineProperty(object, this.name, this.descriptor);
    return new Read(object, read) as unknown as T & Readonly<Record<Name, Value>>;
  }

  /** The newest object is not kept any longer. */
  forget(): void {
    this.newest = NOTHING;
  }
}
