# The gateway as a container image:
#
#   docker build -t sluice \
#     --build-arg SLUICE_COMMIT="$(git rev-parse --short=12 HEAD)" \
#     --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" .
#
# The build stage runs on the builder's own machine for every platform: it compiles for others.

FROM --platform=$BUILDPLATFORM denoland/deno:debian-2.9.5 AS build
WORKDIR /src
# Dependencies alone first: a change of the program does not fetch them again.
COPY deno.json deno.lock ./
COPY tools/executable/runtime/deno.json tools/executable/runtime/deno.lock tools/executable/runtime/
RUN deno install --frozen
RUN cd tools/executable/runtime && deno install --frozen
COPY . .
ARG TARGETARCH=amd64
ARG SLUICE_COMMIT
ARG SOURCE_DATE_EPOCH
RUN deno task compile --target "linux-$(echo "$TARGETARCH" | sed 's/amd64/x64/')" --out /out
RUN mv /out/sluice-linux-* /out/sluice

FROM debian:12-slim
RUN useradd --system --uid 10001 --user-group --groups dialout \
      --home-dir /var/lib/sluice --shell /usr/sbin/nologin sluice \
 && install -d -o sluice -g sluice -m 0700 /var/lib/sluice
COPY --from=build /out/sluice /usr/local/bin/sluice
COPY deploy/container/healthcheck.sh /usr/local/bin/sluice-healthcheck
COPY --from=build /out/licences.txt /usr/local/share/doc/sluice/licences.txt
# Without a group beside it, so that the user's other group counts as well: serial ports.
USER 10001
# sluice.toml is looked for here, and the data is kept in data/ below.
WORKDIR /var/lib/sluice
VOLUME /var/lib/sluice
EXPOSE 8000 8443 1883 8883
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["sluice-healthcheck"]
ENTRYPOINT ["/usr/local/bin/sluice"]
CMD ["serve"]
