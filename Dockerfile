# edgesmith in a container: `docker build -t edgesmith .`, then
#   docker run --rm -v "$PWD:/work" edgesmith fit flowers.zip --budget 1.5ms
# The small install without torch, for a machine that measures: `docker build --build-arg EXTRAS= -t edgesmith-agent .`, then
#   docker run --rm -p 8765:8765 edgesmith-agent agent --host 0.0.0.0
FROM python:3.11-slim

ARG EXTRAS=[train,weights,litert]
RUN useradd --create-home smith && mkdir /work && chown smith /work
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN pip install --no-cache-dir "/src${EXTRAS}"
USER smith
WORKDIR /work
ENTRYPOINT ["edgesmith"]
CMD ["--help"]
