import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';

/** The part of OpenTelemetry's protocol (opentelemetry-proto 1.x) that the tests read. */
const { root } = protobuf.parse(
  `syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Scope { string name = 1; }

  message TraceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; repeated KeyValue attributes = 9; }

  message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
  message Metric { string name = 1; string unit = 3; oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; } }
  message Gauge { repeated Number data_points = 1; }
  message Sum { repeated Number data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Number { repeated KeyValue attributes = 7; double as_double = 4; sfixed64 as_int = 6; }
  message Histogram { repeated HistogramPoint data_points = 1; int32 aggregation_temporality = 2; }
  message HistogramPoint { repeated KeyValue attributes = 9; fixed64 count = 4; double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; }`,
);

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
}

interface Resource {
  readonly attributes: readonly KeyValue[];
}

interface TraceRequest {
  readonly resourceSpans: readonly {
    readonly resource: Resource;
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly name: string;
      }[];
    }[];
  }[];
}

interface ReceivedPoint {
  readonly attributes?: readonly KeyValue[];
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
}

interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly ReceivedPoint[] };
  readonly sum?: { readonly dataPoints: readonly ReceivedPoint[]; readonly isMonotonic: boolean };
  readonly histogram?: { readonly dataPoints: readonly ReceivedPoint[] };
}

interface MetricsRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly ReceivedMetric[];
    }[];
  }[];
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly service: string | undefined;
}

export interface OtlpReceiver {
  readonly url: string;
  /** All spans so far. */
  spans(): readonly ReceivedSpan[];
  /** The metrics of a scope as they were last received, by name. */
  metrics(scope: string): ReadonlyMap<string, ReceivedMetric>;
  close(): void;
}

const decode = (type: string, body: Buffer): unknown => {
  const message = root.lookupType(type);
  return message.toObject(message.decode(body), { bytes: String, longs: Number, arrays: true });
};

const hex = (base64 = ''): string => Buffer.from(base64, 'base64').toString('hex');

/** A collector for OTLP over HTTP in protobuf, which keeps what it receives. */
export const openOtlpReceiver = async (): Promise<OtlpReceiver> => {
  const spans: ReceivedSpan[] = [];
  const metrics = new Map<string, ReadonlyMap<string, ReceivedMetric>>();

  const receiveSpans = ({ resourceSpans }: TraceRequest): void => {
    for (const { resource, scopeSpans } of resourceSpans) {
      const name = resource.attributes.find(({ key }) => key === 'service.name');
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: hex(span.parentSpanId),
          name: span.name,
          service: name?.value.stringValue,
        });
      }
    }
  };
  const receiveMetrics = ({ resourceMetrics }: MetricsRequest): void => {
    for (const { scope, metrics: all } of resourceMetrics.flatMap((each) => each.scopeMetrics)) {
      metrics.set(scope.name, new Map(all.map((metric) => [metric.name, metric])));
    }
  };

  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const isProtobuf = request.headers['content-type'] === 'application/x-protobuf';
      if (isProtobuf && request.url === '/v1/traces') {
        receiveSpans(decode('TraceRequest', body) as TraceRequest);
      } else if (isProtobuf && request.url === '/v1/metrics') {
        receiveMetrics(decode('MetricsRequest', body) as MetricsRequest);
      } else {
        response.statusCode = 400;
      }
      response.setHeader('content-type', 'application/x-protobuf');
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    metrics: (scope) => metrics.get(scope) ?? new Map<string, ReceivedMetric>(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
