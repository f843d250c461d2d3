# SPDX-License-Identifier: Apache-2.0
# The operator, built by `make image DATA=FOLDER`, which makes dist/ before. Nothing is compiled, nothing runs as root, and nothing but
# /tmp need be writable. PIP_NO_INDEX and PIP_FIND_LINKS make the build work without a network.
ARG BASE=docker.io/library/python:3.11-slim-bookworm
# The digest of the base, such as sha256:...; a release always gives it.
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@}${BASE_DIGEST} AS build
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/run.txt /build/
RUN python3 -m venv /opt/fluxsm \
 && /opt/fluxsm/bin/pip install --quiet --only-binary :all: --require-hashes --no-deps --requirement /build/run.txt
COPY dist/fluxsm-*.whl /build/
RUN /opt/fluxsm/bin/pip install --quiet --no-deps --no-index /build/fluxsm-*.whl \
 && /opt/fluxsm/bin/pip uninstall --quiet --yes pip setuptools

FROM ${BASE}${BASE_DIGEST:+@}${BASE_DIGEST}
ARG VERSION=unknown
ARG REVISION=unknown
# What `make image` has put there; a build without it names a folder of the repository.
ARG DATA=dist/data
LABEL org.opencontainers.image.title="fluxsm" \
      org.opencontainers.image.description="Installs and runs Flux from one custom resource" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.fluxsm.sbom="/usr/share/doc/fluxsm/sbom.cdx.json"
COPY --from=build /opt/fluxsm /opt/fluxsm
COPY dist/sbom.cdx.json /usr/share/doc/fluxsm/sbom.cdx.json
# The manifests of Flux: one folder per version.
COPY ${DATA}/ /data/
ENV PATH=/opt/fluxsm/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
USER 65532:65532
WORKDIR /
EXPOSE 8080 8081
# As in the reference, arguments are the flags of the operator: an existing Deployment starts with this image.
ENTRYPOINT ["fluxsm", "run"]
