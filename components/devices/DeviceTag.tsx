import type { Tone } from "@/components/Tag.tsx";
import { texts } from "@/components/texts.ts";
import type { DeviceStatus } from "@/model/device_status.ts";

export const STATUS_TONES: Record<DeviceStatus, Tone> = {
  waiting: "idle",
  offline: "bad",
  stuck: "warn",
  late: "idle",
  online: "ok",
};

/** The island `DeviceLive` keeps it up to date. */
export function DeviceTag({ id, status }: { id: string; status: DeviceStatus }) {
  return (
    <span class={`tag ${STATUS_TONES[status]}`} data-status={id}>
      {texts.devices.status[status]}
    </span>
  );
}
