# shellcheck shell=bash disable=SC2034
# Sourced by every script here: where things are, and how to fail with one sentence.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# As root PostgreSQL runs as another user, to whom root's home is closed.
if [ "$(id -u)" -eq 0 ]; then CACHE=/var/cache/crm_extended; else CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/crm_extended; fi
CACHE=$(realpath -m "${CRM_EXTENDED_CACHE:-$CACHE}")
LOGS=$CACHE/log
VENV=$CACHE/venv
PYTHON=$VENV/bin/python
NODE=$CACHE/node/node_modules
export PATH=$NODE/.bin:$PATH # rtlcss, which Odoo calls for right-to-left languages

say() { echo "crm_extended: $*" >&2; }
die() { say "$*"; exit 1; }

# --- Odoo: the one that dev/setup unpacked, or ODOO_HOME (a source checkout, an installed package's folder, an odoo command).
odoo_path() { # prints the folder that holds the Python package odoo
    local home=${ODOO_HOME:-$CACHE/odoo} folder
    if [ -f "$home" ]; then
        "$(odoo_python)" -c 'import importlib.util as u; print(u.find_spec("odoo.release").origin[:-len("/odoo/release.py")])' 2>/dev/null && return
    fi
    for folder in "$home" "$home"/usr/lib/python3/dist-packages "$home"/lib/python3.*/site-packages; do
        if [ -f "$folder/odoo/release.py" ]; then echo "$folder"; return; fi
    done
}
odoo_python() { # prints the interpreter that the user's own Odoo runs with, if it can be told
    local python
    if [ -f "${ODOO_HOME:-}" ]; then sed -n '1s/^#! *//p' "$ODOO_HOME" | sed 's/^.*env *//'; return; fi
    for python in "$ODOO_HOME"/{,.venv/,venv/}bin/python3; do
        if [ -x "$python" ]; then echo "$python"; return; fi
    done
    echo python3
}

# --- PostgreSQL: a private cluster on a unix socket, or the user's own server.
PG_HOME=$CACHE/postgresql
if [ -z "${PGHOST-}${PGPORT-}${PGUSER-}" ] || [ "${PGHOST-}" = "$PG_HOME/socket" ]; then
    PRIVATE_PG=1
    export PGHOST=$PG_HOME/socket PGPORT=5432 PGUSER=odoo
    unset PGPASSWORD
else
    PRIVATE_PG=
fi
unset PGDATABASE # Odoo takes it for --database

# --- The addons of the demo and the tests: those that exist.
addons() { # prints them, separated by commas
    local addon list=
    for addon in ${ADDONS:-crm_extended crm_extended_margin crm_extended_automation}; do
        [ ! -f "$ROOT/$addon/__manifest__.py" ] || list+=,$addon
    done
    echo "${list#,}"
}

# ready WHAT: sets up what is missing, starts PostgreSQL, exports what Odoo reads.
ready() {
    local path folder addons_path='' conf
    "$ROOT/dev/setup" "$1"
    "$ROOT/dev/pg" start
    path=$(odoo_path)
    # A source checkout has its addons beside the Python package, an installed one inside it.
    local folders=("$path/odoo/addons" "$ROOT")
    if [ ! -d "$path/odoo/addons/web" ]; then folders+=("$path/addons"); fi
    for folder in "${folders[@]}"; do
        if compgen -G "$folder/*/__manifest__.py" >/dev/null; then addons_path+=,$folder; fi
    done
    conf="[options]
addons_path = ${addons_path#,}
data_dir = $CACHE/data
http_interface = 127.0.0.1
screenshots = $CACHE/screenshots"
    # One file per content: two checkouts share the cache.
    ODOO_RC=$CACHE/conf/$(cksum <<<"$conf" | cut -d' ' -f1).conf
    if [ ! -f "$ODOO_RC" ]; then
        mkdir -p "$CACHE/conf"
        echo "$conf" >"$ODOO_RC.$$" && mv "$ODOO_RC.$$" "$ODOO_RC"
    fi
    export ODOO_RC PYTHONPATH=$path${PYTHONPATH:+:$PYTHONPATH}
}
