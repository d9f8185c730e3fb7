import { total } from './cart';

export function CartView(props: { items: number[] }) {
  return <p>{total(props.items)}</p>;
}
