# The image with the tools of the tests beside its own packages: `make image-test` runs the unit
# tests of the checkout with the interpreter, the libraries and the code that are in the image.
ARG BASE=docker.io/library/debian:trixie-slim
ARG IMAGE=localhost/syrette:dev

FROM ${BASE} AS tools
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv
COPY requirements/dev.txt /build/
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
      --target /tools/packages --requirement /build/dev.txt
# After the image's own: only what is missing there comes from the tools. Links in place of the
# checkout's packages: what is tested is what the image holds.
RUN mkdir -p /tools/checkout /tools/site \
 && ln -s /syrette/injector /syrette/webhook /tools/checkout/ \
 && echo /packages > /tools/site/zz-tools.pth

FROM ${IMAGE}
COPY --from=tools /tools/packages /packages
COPY --from=tools /tools/checkout /checkout
COPY --from=tools /tools/site /syrette/lib/python3.13/site-packages
WORKDIR /checkout
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["/syrette/bin/python3", "-m", "pytest", "-p", "no:cacheprovider"]
