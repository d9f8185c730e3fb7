// A cart without types.
export const TAX = 0.19;

export const total = (items) => items.reduce((sum, item) => sum + item, 0);

export function discount(items) {
  const local = total(items);
  return local / 2;
}

export class Cart {
  limit = 10;

  add(item) {
    this.items.push(item);
  }
}
