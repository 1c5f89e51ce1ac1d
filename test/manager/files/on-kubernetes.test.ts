import { FakeCluster } from "../../support/platform/fake-cluster.ts";
import { startManager } from "../started-manager.ts";
import { roundTrip } from "./round-trip.ts";

roundTrip("a fake cluster", {
  open: async () => {
    const cluster = await FakeCluster.start();
    const manager = await startManager({ platform: cluster.platform });
    return {
      url: manager.url,
      close: async () => {
        await manager.stop();
        await cluster.close();
      },
    };
  },
});
