# One image for the admission server, the init container and the sidecar.
#
# Debian gives the interpreter and its libraries, the hashed requirements give the rest; the image
# itself starts empty and gets what deploy/image_root.py picks: no shell, no package manager.
# Releases pin the base by digest: --build-arg BASE=docker.io/library/debian@sha256:…
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils ca-certificates openssl \
      python3 python3-venv
COPY requirements/runtime.txt /build/
RUN python3 -m venv /syrette \
 && /syrette/bin/pip install --no-cache-dir --no-compile --no-deps --require-hashes \
      --only-binary :all: --requirement /build/runtime.txt
COPY deploy/image_root.py deploy/image_imports.py /build/
COPY injector /build/injector
COPY webhook /build/webhook
# 315532800 is 1980: times of files are the same in every build.
ARG SOURCE_DATE_EPOCH=315532800
RUN SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} /syrette/bin/python3 /build/image_root.py /image

FROM scratch
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title=syrette \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/syrette/bin/python3", "-I", "-m", "webhook"]
