export interface Item {
  price: number;
  describe(): string;
}

export type Items = Item[];

export enum State {
  Open,
  Closed,
}

export namespace money {
  export const currency = 'EUR';
}

export abstract class Cart<T extends Item> {
  private readonly items: T[] = [];

  add(item: T): void {
    this.items.push(item);
  }

  abstract checkout(): Promise<State>;
}

export function total(items: Items): number {
  return items.length;
}
