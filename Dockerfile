ARG BASE=python:3.12-slim
FROM ${BASE} AS build
ARG SSL_CERT_FILE
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/remediator
WORKDIR /src
# The dependencies first: this layer changes with the locks, not with each line of code. Of the developers' lock only
# what builds a wheel is taken; should that or what we run come to need one package more, the build stops without it.
COPY requirements.lock requirements-dev.lock ./
RUN awk '/^[a-z]/ {keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} keep' requirements-dev.lock >build.lock \
    && pip install --no-deps --require-hashes --requirement build.lock \
    && pip --python /opt/remediator/bin/python install --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY remediator remediator
COPY fixers fixers
COPY rules rules
# What phonenumbers and pycountry bring for questions that we never ask (where a number was sold, names of countries
# by gettext, which babel gives us) is a quarter of everything. A path that has moved stops the build.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && pip --python /opt/remediator/bin/python install --no-deps --no-index /wheel/*.whl \
    && pip --python /opt/remediator/bin/python check \
    && for part in phonenumbers/geodata phonenumbers/carrierdata pycountry/locales pycountry/tests certifi/tests; do \
        rm -r /opt/remediator/lib/python3*/site-packages/$part || exit 1; done

FROM ${BASE}
# /data is open to every user id, as /tmp is, so that `--user`, a fresh volume and a tmpfs all work.
# The base comes without compiled modules of the standard library, and a read-only container cannot keep them: without
# this line each start would compile them again, which doubles its time.
RUN groupadd --gid 10001 remediator \
    && useradd --no-log-init --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin remediator \
    && install --directory --mode 1777 /data \
    && python -m pip uninstall --yes --quiet --root-user-action ignore pip \
    && python -m compileall -q -x '/(ensurepip|idlelib|lib2to3|pydoc_data|test|tkinter|turtledemo)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/remediator /opt/remediator
ENV PATH=/opt/remediator/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
# The default store and remediator.yaml are looked for here. No REMEDIATOR_ variable is set in the image: it would win over
# the settings file that somebody mounts.
WORKDIR /data
VOLUME /data
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["remediator", "health", "--container"]
ENTRYPOINT ["remediator"]
CMD ["daemon"]
