/** People, devices and certificates of a running gateway, over its control socket. */
import type {
  AccessOperations,
  CertificateView,
  DeviceCertificateFiles,
  DeviceCredentialView,
  DeviceView,
  PendingView,
  UserRole,
  UserView,
} from "@/cli/access_operations.ts";

/** The calls of a connection. */
export interface Caller {
  call<T>(operation: string, ...args: unknown[]): Promise<T>;
}

export class RemoteAccess implements AccessOperations {
  readonly #client: Caller;

  constructor(client: Caller) {
    this.#client = client;
  }

  userAdd(
    user: { name: string; role: UserRole; password: string | null },
  ): Promise<string | null> {
    return this.#client.call("access.userAdd", user);
  }

  userList(): Promise<UserView[]> {
    return this.#client.call("access.userList");
  }

  userPassword(name: string, password: string | null): Promise<string | null> {
    return this.#client.call("access.userPassword", name, password);
  }

  userRole(name: string, role: UserRole): Promise<void> {
    return this.#client.call("access.userRole", name, role);
  }

  userRemove(name: string): Promise<void> {
    return this.#client.call("access.userRemove", name);
  }

  deviceAdd(id: string, options: { label?: string }): Promise<DeviceCredentialView> {
    return this.#client.call("access.deviceAdd", id, options);
  }

  deviceList(): Promise<DeviceView[]> {
    return this.#client.call("access.deviceList");
  }

  deviceRotate(id: string): Promise<DeviceCredentialView> {
    return this.#client.call("access.deviceRotate", id);
  }

  deviceDisable(id: string, disabled: boolean): Promise<void> {
    return this.#client.call("access.deviceDisable", id, disabled);
  }

  deviceRemove(id: string): Promise<void> {
    return this.#client.call("access.deviceRemove", id);
  }

  deviceGrant(id: string, grants: DeviceView["grants"]): Promise<void> {
    return this.#client.call("access.deviceGrant", id, grants);
  }

  devicePending(): Promise<PendingView[]> {
    return this.#client.call("access.devicePending");
  }

  deviceApprove(requestId: string): Promise<string> {
    return this.#client.call("access.deviceApprove", requestId);
  }

  deviceDismiss(requestId: string): Promise<void> {
    return this.#client.call("access.deviceDismiss", requestId);
  }

  certAuthority(options: { name?: string; replace: boolean }): Promise<CertificateView> {
    return this.#client.call("access.certAuthority", options);
  }

  certServer(options: { names: string[]; days?: number }): Promise<CertificateView> {
    return this.#client.call("access.certServer", options);
  }

  certDevice(id: string, options: { days?: number }): Promise<DeviceCertificateFiles> {
    return this.#client.call("access.certDevice", id, options);
  }

  certBind(id: string, pem: string): Promise<CertificateView> {
    return this.#client.call("access.certBind", id, pem);
  }

  certRevoke(id: string, fingerprint: string): Promise<void> {
    return this.#client.call("access.certRevoke", id, fingerprint);
  }
}
