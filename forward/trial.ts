/** Trying a destination out without any data: for `destination test` and before settings are saved. */
import { type Destination, type DestinationEvents, toWriteError } from "@/forward/destination.ts";
import type { DestinationOptions, TestReport } from "@/forward/forward_types.ts";
import type { Timing } from "@/forward/timing.ts";
import { TransientError } from "@/model/errors.ts";

export interface TrialParts {
  timing: Timing;
  open: (options: DestinationOptions, events: DestinationEvents) => Destination;
}

/** Connects, checks credentials and rights, within the destination's time limit. Never throws. */
export async function tryDestination(
  options: DestinationOptions,
  { timing, open }: TrialParts,
): Promise<TestReport> {
  const startedMs = timing.monotonicMs();
  const limit = new AbortController();
  const cancel = timing.after(options.timeoutMs, () => limit.abort(timeoutError(options)));
  const destination = open(options, { lost: () => {}, notice: () => {} });
  const tookMs = () => timing.monotonicMs() - startedMs;
  try {
    const detail = await destination.test(limit.signal);
    return { ok: true, detail, failure: null, tookMs: tookMs() };
  } catch (error) {
    const { code, message, hint } = toWriteError(error);
    return { ok: false, detail: message, failure: { code, message, hint }, tookMs: tookMs() };
  } finally {
    await destination.close(limit.signal);
    cancel();
  }
}

function timeoutError({ name, timeoutMs }: DestinationOptions): TransientError {
  return new TransientError(`Destination "${name}" did not answer within ${timeoutMs} ms`, {
    code: "FWD-0005",
    hint: "Check the other side and the network, or raise timeout_ms",
  });
}
