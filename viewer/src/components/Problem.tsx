/** Says that a page's data could not be had, why, and offers to try again. */

import type { ApiError } from "../api.ts";
import { Icon } from "./Icon.tsx";

export function Problem({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="message problem" role="alert">
      <Icon name="warning" size={22} />
      <h2>{error.isUnreachable ? "The viewer does not answer" : "This could not be loaded"}</h2>
      <p>
        {error.isUnreachable ? "It was stopped, or the connection is down. This page goes on when it is back." : error.message}
      </p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
