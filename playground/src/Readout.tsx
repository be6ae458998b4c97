// Below the answer: what it took.
import { type Cost, dryRun, readout } from './readout';
import { useStore } from './store';

export function ReadoutBar() {
  const last = useStore(readout);
  const dry = useStore(dryRun);
  return (
    <div className="readout" role="status" aria-label="What the last operation took">
      {last === null && <span className="faint">Run an operation to see its cost.</span>}
      {last?.kind === 'answer' && (
        <>
          <Item name="status" className={last.status < 300 ? 'good' : 'bad'} value={String(last.status)} />
          <Item name="time" value={`${last.ms < 10 ? last.ms.toFixed(1) : Math.round(last.ms)} ms`} />
          <Item name="size" value={size(last.bytes)} />
          {last.cost && <CostItems cost={last.cost} />}
          {last.requestId && <Item name="request" className="id" value={last.requestId} />}
        </>
      )}
      {last?.kind === 'events' && (
        <>
          <Item name="socket" className={last.state === 'closed' ? 'bad' : 'good'} value={last.state} />
          <Item name="events" value={String(last.count)} />
          <Item name="size" value={size(last.bytes)} />
        </>
      )}
      <label className="dry" title="Mutations run fully and are undone">
        <input type="checkbox" checked={dry} onChange={(event) => dryRun.set(event.target.checked)} /> dry run
      </label>
    </div>
  );
}

function CostItems({ cost }: { cost: Cost }) {
  const { requestedQueryCost, actualQueryCost, throttleStatus } = cost;
  return (
    <>
      <Item
        name="cost"
        value={`${actualQueryCost} of ${requestedQueryCost}`}
        title="What it cost, of what it could have"
      />
      {throttleStatus && (
        <span className="item" title={`${throttleStatus.restoreRate} points come back each second`}>
          <span className="item-name">left</span>
          <meter
            min={0}
            max={throttleStatus.maximumAvailable}
            value={throttleStatus.currentlyAvailable}
            aria-label="Points left"
          />
          <span className="item-value">{throttleStatus.currentlyAvailable.toLocaleString('en')}</span>
        </span>
      )}
    </>
  );
}

interface ItemProps {
  name: string;
  value: string;
  className?: string;
  title?: string;
}

function Item({ name, value, className, title }: ItemProps) {
  return (
    <span className="item" title={title}>
      <span className="item-name">{name}</span> <span className={`item-value ${className ?? ''}`}>{value}</span>
    </span>
  );
}

function size(bytes: number) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
