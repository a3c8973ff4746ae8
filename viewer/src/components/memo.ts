/** A component that is drawn again only when one of its properties is another value. */

import { Component, type ComponentChildren } from "preact";

/** @param view - draws the component; it may use no hooks */
export function memo<Props extends object>(view: (props: Props) => ComponentChildren) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return (Object.keys(next) as (keyof Props)[]).some((key) => next[key] !== this.props[key]);
    }

    override render(): ComponentChildren {
      return view(this.props);
    }
  };
}
