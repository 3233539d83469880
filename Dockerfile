# Whetstone in a container; README.md, "Containers", has the commands. Targets: cpu (the default) and cuda.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS packages
WORKDIR /build
COPY requirements.txt requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM packages AS packages-cuda
COPY requirements-torch.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir -r requirements.txt -r requirements-torch.txt

FROM python:${PYTHON}-slim-bookworm AS program
# the process is nobody's but its own; /pictures is where a folder of the host is mounted
RUN useradd --uid 1000 --create-home whetstone \
    && install --directory --owner=whetstone /pictures
WORKDIR /whetstone
COPY LICENSE launch.py environment.py pip_install.py study_plan.py requirements*.txt requirements.lock ./
COPY assets/models assets/models
COPY assets/samples assets/samples
COPY engine engine
COPY distill distill
COPY mos_study mos_study
COPY webui webui
COPY reference reference
# the list of commands names `test`, too
COPY tests/__init__.py tests/run.py tests/
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 7860, timeout=4); c.request('GET', '/whetstone.json'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "launch.py"]
# it asks for the name and password of WHETSTONE_AUTH and does not start without them
CMD ["app", "--listen", "--no-browser"]

FROM program AS cuda
COPY --from=packages-cuda /opt/venv /opt/venv
# read by NVIDIA's container runtime
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM program AS cpu
COPY --from=packages /opt/venv /opt/venv
