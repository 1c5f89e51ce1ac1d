# Manager, router, events and dashboard: one image, the argument says which (manager/main.ts, router/main.ts, events/main.ts
# or dashboard/main.ts).
#   docker build -t skiff .
FROM node:24-slim AS dependencies
WORKDIR /skiff
COPY package.json package-lock.json .npmrc ./
# The package "node" brings Node to machines without it; here it is in the base image already.
RUN npm pkg delete dependencies.node && npm install --omit=dev --no-audit --no-fund

# The page of the dashboard. Nothing of this stage but its files is in the image.
FROM node:24-slim AS page
WORKDIR /skiff
COPY package.json package-lock.json .npmrc ./
RUN npm pkg delete dependencies.node && npm install --ignore-scripts --no-audit --no-fund
COPY . ./
RUN node dashboard/build/main.ts dashboard/assets

FROM node:24-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /skiff
COPY --from=dependencies /skiff/node_modules node_modules
COPY package.json ./
COPY calling calling
COPY client-image client-image
COPY dashboard dashboard
COPY --from=page /skiff/dashboard/assets dashboard/assets
COPY events events
COPY flows flows
COPY http http
COPY metrics metrics
COPY process process
COPY runtimes runtimes
COPY manager manager
COPY platform platform
COPY router router
COPY store store
ENV NODE_ENV=production
USER 1000:1000
ENTRYPOINT ["/bin/sh", "/skiff/manager/first-process.sh", "node"]
