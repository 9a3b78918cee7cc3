#!/usr/bin/env python3
"""Holds what flatout makes of real robots against pinocchio (kinematics, torques) and coal (exact distances of meshes).

    scripts/check_robots.py [--flatout PATH] [--data FOLDER] [--ci] [--json OUT] [NAME...]

takes the robots of scripts/robots.toml (all, or those of these names; with --ci those that CI looks at), and for each
  - compares the frames of all links, and efforts by inverse dynamics with gravity, in random states;
  - compares the share of random states (of the joints that are planned, the others being neutral) that are free of
    self-collision by spheres with that by the meshes, over the pairs of links that flatout judges, but for pairs whose
    meshes touch in all states;
  - measures how long `flatout robot info` takes with an empty cache of covers, and with a filled one;
  - plans between five random pairs of states that are free of self-collision, in an empty world, and certifies the
    answers anew by `flatout check`.
Prints a table in Markdown, and exits with 1 where a robot misses one of the bars below.

Robots of PyPI's example-robot-data are found where it is installed; others in FOLDER/OWNER+NAME, a clone of the
repository OWNER/NAME. Needs `pip install pin coal example-robot-data` and Python 3.11.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import coal
import numpy as np
import pinocchio as pin

# Bars.
POSE_ERROR = 1e-9  # greatest difference of an entry of a link's frame, metres or none
EFFORT_ERROR = 1e-6  # relative to efforts above 1
SHARE_ERROR = 5.0  # points between the shares of self-free states
COLD_MEDIAN, CACHED_MEDIAN = 5.0, 0.3  # seconds of a load, median over the robots
PLANS = 5

STATES = 400  # random states per robot
DEFAULT_ACCELERATION = 5.0  # where no file gives one, rad/s^2 or m/s^2
TIME_LIMIT = 10.0  # of a plan, seconds


def example_robot_data():
    """The folder that PyPI's package brings, wherever cmeel has put it."""
    inside = "cmeel.prefix/share/example-robot-data/robots"
    found = [Path(p) / inside for p in sys.path if (Path(p) / inside).is_dir()]
    return found[0] if found else None


class Robot:
    """A robot of the list, and where its files lie."""

    def __init__(self, entry, sources, data):
        self.name, self.entry = entry["name"], entry
        self.source = entry["source"]
        repository = sources[self.source]["repository"]
        packaged = self.source == "example-robot-data"
        self.folder = example_robot_data() if packaged else data / repository.replace("/", "+")
        self.urdf = self.file("urdf")
        self.srdf, self.limits = self.file("srdf"), self.file("limits")
        self.root = ET.parse(self.urdf).getroot()

    def file(self, key):
        return self.folder / self.entry[key] if key in self.entry else None

    def options(self):
        """How flatout is told of the files."""
        srdf = ["--srdf", self.srdf] if self.srdf else []
        return [self.urdf, *srdf, *(["--limits", self.limits] if self.limits else [])]

    def among(self):
        """How flatout is told of a limb that alone moves; the other joints are neutral."""
        joints = self.entry.get("joints")
        return ["--joints", ",".join(joints)] if joints else []

    def needs(self, always):
        """What it takes beside its URDF, in words; some pairs' meshes touch in every state."""
        entry = self.entry
        words = [name for key, name in (("srdf", "SRDF"), ("limits", "joint_limits.yaml")) if key in entry]
        if always and "srdf" not in entry:
            words.append("SRDF for " + ", ".join(" and ".join(pair) for pair in always))
        words += [f"velocity {entry['velocity']}"] if "velocity" in entry else []
        words += ["`torque: false`"] if entry.get("torque") is False else []
        return ", ".join(words + [f"`missing_geometry: {entry[key]}`" for key in ["missing_geometry"] if key in entry])

    def packages(self):
        """Folders that may hold the packages of `package://` names: all above the URDF."""
        return [str(folder) for folder in self.urdf.parents if len(folder.parts) > 1]

    def mimics(self):
        """By joint that follows another: whom, by what factor and offset."""
        found = {}
        for joint in self.root.findall("joint"):
            mimic = joint.find("mimic")
            if mimic is not None and joint.get("type") != "fixed":
                factor, offset = float(mimic.get("multiplier", 1)), float(mimic.get("offset", 0))
                found[joint.get("name")] = (mimic.get("joint"), factor, offset)
        return found


class Flatout:
    """The command, with a cache of covers of its own."""

    def __init__(self, program, cache):
        self.program, self.cache = program, cache

    def run(self, *arguments):
        """Runs it; gives exit code, output, error, wall time and time of all CPUs, seconds."""
        command = [str(part) for part in (self.program, *arguments)]
        environment = dict(os.environ, FLATOUT_CACHE=str(self.cache))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return done.returncode, done.stdout, done.stderr, wall, cpu

    def call(self, *arguments):
        """The same of what must succeed."""
        code, _, error, wall, cpu = self.run(*arguments)
        if code:
            raise RuntimeError(f"flatout {arguments[0]} {arguments[1]}: exit code {code}: {error.strip()[-400:]}")
        return wall, cpu

    def evaluate(self, robot, folder, *more):
        output = folder / "evaluation.json"
        self.call("robot", "evaluate", *robot.options(), "-o", output, *more)
        return json.loads(output.read_text())


class Oracle:
    """The same robot in pinocchio and coal."""

    def __init__(self, robot, evaluation):
        self.model = pin.buildModelFromUrdf(str(robot.urdf))
        self.model.gravity.linear = np.array(evaluation["gravity"])
        self.data = self.model.createData()
        self.joints, self.mimics = evaluation["joints"], robot.mimics()
        self.frames = [self.model.getFrameId(link["name"], pin.BODY) for link in evaluation["links"]]
        self.solids = self.load_solids(robot)

    def load_solids(self, robot):
        """By link: collision geometry and its placement in the frame of its joint."""
        model = pin.buildGeomFromUrdf(self.model, str(robot.urdf), pin.COLLISION, package_dirs=robot.packages())
        solids = {}
        for solid in model.geometryObjects:
            link = self.model.frames[solid.parentFrame].name
            solids.setdefault(link, []).append((solid.geometry, solid.parentJoint, solid.placement))
        return solids

    def triangles(self):
        """Triangles of all meshes; a primitive counts as one."""
        solids = [solid for of_link in self.solids.values() for solid, _, _ in of_link]
        return sum(getattr(solid, "num_tris", 1) for solid in solids)

    def followed(self, joint):
        """Whom a joint follows in the end, by what factor and offset."""
        factor, offset = 1.0, 0.0
        while joint in self.mimics:
            joint, f, o = self.mimics[joint]
            factor, offset = factor * f, offset + factor * o if factor != 1.0 else o
        return joint, factor, offset

    def spread(self, state):
        """Positions, velocities and accelerations as pinocchio has them."""
        place = {name: i for i, name in enumerate(self.joints)}
        q, v, a = pin.neutral(self.model), np.zeros(self.model.nv), np.zeros(self.model.nv)
        for name, joint in list(zip(self.model.names, self.model.joints))[1:]:
            leader, factor, offset = self.followed(name)
            i = place[leader]
            angle = factor * state["position"][i] + offset
            # Continuous joints stand as cosine and sine.
            q[joint.idx_q : joint.idx_q + joint.nq] = [angle] if joint.nq == 1 else [np.cos(angle), np.sin(angle)]
            v[joint.idx_v], a[joint.idx_v] = factor * state["velocity"][i], factor * state["acceleration"][i]
        return q, v, a

    def pose_error(self, state):
        """The greatest difference of an entry of a link's frame."""
        pin.framesForwardKinematics(self.model, self.data, self.spread(state)[0])
        ours = np.array(state["poses"])
        theirs = np.array([self.data.oMf[frame].homogeneous[:3] for frame in self.frames])
        return np.abs(ours - theirs).max()

    def effort_error(self, state):
        """The greatest difference of efforts, relative to those above 1; that of who follows loads whom it follows."""
        tau = pin.rnea(self.model, self.data, *self.spread(state))
        theirs = np.zeros(len(self.joints))
        for name, joint in list(zip(self.model.names, self.model.joints))[1:]:
            leader, factor, _ = self.followed(name)
            theirs[self.joints.index(leader)] += factor * tau[joint.idx_v]
        return (np.abs(np.array(state["efforts"]) - theirs) / np.maximum(1.0, np.abs(theirs))).max()

    def touching(self, pairs, states):
        """Whether the meshes of each pair touch: a row per state, a column per pair."""
        table = np.zeros((len(states), len(pairs)), dtype=bool)
        for row, state in enumerate(states):
            pin.forwardKinematics(self.model, self.data, self.spread(state)[0])
            placed = {link: self.placed(solids) for link, solids in self.solids.items()}
            for column, (a, b) in enumerate(pairs):
                table[row, column] = touch(placed[a], placed[b])
        return table

    def placed(self, solids):
        pose = lambda joint, placement: self.data.oMi[joint] * placement
        at = [(solid, pose(joint, placement)) for solid, joint, placement in solids]
        return [(solid, coal.Transform3s(m.rotation, m.translation)) for solid, m in at]


def touch(these, those):
    request, result = coal.CollisionRequest(), coal.CollisionResult()
    for a, at_a in these:
        for b, at_b in those:
            result.clear()
            if coal.collide(a, at_a, b, at_b, request, result):
                return True
    return False


def shares(oracle, evaluation):
    """Percent of random states free of self-collision: by meshes, by spheres, and where meshes touch and spheres do
    not; and the pairs that were left out because their meshes touch in all states."""
    states = [s for s in evaluation["states"] if s["name"] is None]
    meshes = oracle.touching(evaluation["pairs"], states)
    counted = ~meshes.all(axis=0)
    spheres = np.zeros_like(meshes)
    for row, state in enumerate(states):
        spheres[row, state["touching"]] = True
    by_meshes, by_spheres = meshes[:, counted].any(axis=1), spheres[:, counted].any(axis=1)
    percent = lambda of: 100.0 * float(np.mean(of))
    return percent(~by_meshes), percent(~by_spheres), percent(by_meshes & ~by_spheres), [
        pair for pair, is_counted in zip(evaluation["pairs"], counted) if not is_counted
    ]


def write_srdf(path, evaluation, always):
    """What MoveIt's Setup Assistant would write: neighbours, and pairs that touch in every state, are not judged."""
    pairs = [(skip["links"], "Adjacent") for skip in evaluation["skipped"] if skip["reason"] == "adjacent"]
    pairs += [(pair, "Always") for pair in always]
    line = '<disable_collisions link1="{}" link2="{}" reason="{}"/>'
    lines = [line.format(a, b, reason) for (a, b), reason in pairs]
    path.write_text("\n".join([f'<robot name="{evaluation["robot"]}">', *lines, "</robot>"]))
    return path


def load_times(flatout, robot):
    """Wall and CPU time of a load with a cache that is empty yet, and the least of three with a filled one, seconds."""
    cold = flatout.call("robot", "info", *robot.options())
    cached = min(flatout.call("robot", "info", *robot.options()) for _ in range(3))
    return cold, cached


def plans(flatout, robot, folder):
    """How many of the five plans were found and certified, and why others were not."""
    evaluation = flatout.evaluate(robot, folder, "--states", 20 * STATES, "--seed", 1, *robot.among())
    planned = robot.entry.get("joints", evaluation["joints"])
    free = [s["position"] for s in evaluation["states"] if s["name"] is None and not s["touching"]]
    if len(free) < 2 * PLANS:
        return 0, [f"{len(free)} of {20 * STATES} states are free of self-collision"]
    place = [evaluation["joints"].index(joint) for joint in planned]
    ends = [[state[i] for i in place] for state in free[: 2 * PLANS]]
    found, faults = 0, []
    for i, (start, goal) in enumerate(zip(ends[::2], ends[1::2])):
        scene, answer = folder / "scene.yaml", folder / "answer.json"
        files = {"urdf": str(robot.urdf), "joints": planned}
        files |= {"srdf": str(robot.srdf)} if robot.srdf else {}
        files |= {"joint_limits": str(robot.limits)} if robot.limits else {}
        files |= {key: robot.entry[key] for key in ["missing_geometry"] if key in robot.entry}
        limits = {"default_acceleration": DEFAULT_ACCELERATION}
        if "velocity" in robot.entry:
            limits["joints"] = {joint: {"velocity": robot.entry["velocity"]} for joint in planned}
        if "torque" in robot.entry:
            limits["torque"] = robot.entry["torque"]
        text = {"robot": files, "start": start, "goal": goal, "limits": limits}
        scene.write_text(json.dumps(text))
        arguments = ["plan", scene, "-o", answer, "--seed", i, "--time-limit", TIME_LIMIT, "--quiet"]
        for command in (arguments, ["check", scene, answer]):
            code, _, error, _, _ = flatout.run(*command)
            if code:
                faults.append(f"{command[0]}: {error.strip().replace(str(scene), 'scene')[-300:]}")
                break
        else:
            found += 1
    return found, faults


def check(robot, flatout, folder):
    """All figures of a robot, and the bars that it misses."""
    cold, cached = load_times(flatout, robot)
    evaluation = flatout.evaluate(robot, folder, "--states", STATES)
    oracle = Oracle(robot, evaluation)
    states = evaluation["states"]
    pose_error = max(oracle.pose_error(state) for state in states)
    has_efforts = states[0]["efforts"] is not None
    effort_error = max(oracle.effort_error(state) for state in states) if has_efforts else None
    limb = evaluation if not robot.among() else flatout.evaluate(robot, folder, "--states", STATES, *robot.among())
    by_meshes, by_spheres, missed, always = shares(oracle, limb)
    if always and not robot.srdf:
        robot.srdf = write_srdf(folder / "always.srdf", evaluation, always)
    planned, faults = plans(flatout, robot, folder)
    misses = [f"plans {planned} of {PLANS}: {faults[0]}"] if planned < PLANS else []
    if pose_error > POSE_ERROR:
        misses.append(f"frames differ by {pose_error:.1e}")
    if has_efforts and effort_error > EFFORT_ERROR:
        misses.append(f"efforts differ by {effort_error:.1e}")
    if missed > 0.0:
        misses.append(f"spheres do not touch where meshes do in {missed:.1f} % of states")
    if abs(by_meshes - by_spheres) > SHARE_ERROR:
        misses.append(f"self-free {by_spheres:.1f} % by spheres, {by_meshes:.1f} % by meshes")
    return {
        "name": robot.name,
        "source": robot.source,
        "joints": len(robot.entry.get("joints", evaluation["joints"])),
        "of_joints": len(evaluation["joints"]),
        "triangles": oracle.triangles(),
        "spheres": sum(link["spheres"] for link in evaluation["links"]),
        "pairs": len(evaluation["pairs"]),
        "always": [" and ".join(pair) for pair in always],
        "by_meshes": by_meshes,
        "by_spheres": by_spheres,
        "missed": missed,
        "cold": cold,
        "cached": cached,
        "pose_error": float(pose_error),
        "effort_error": None if effort_error is None else float(effort_error),
        "plans": planned,
        "needs": robot.needs(always),
        "misses": misses,
    }


HEADING = """\
| robot | source | joints | triangles | spheres | self-free %: meshes, spheres | load s (of CPU): cold, cached | frames | efforts | plans | needs |
|---|---|---|---|---|---|---|---|---|---|---|"""


def line(f):
    joints = str(f["joints"]) if f["joints"] == f["of_joints"] else f"{f['joints']} of {f['of_joints']}"
    efforts = "no masses" if f["effort_error"] is None else f"{f['effort_error']:.0e}"
    cells = [f["name"], f["source"], joints, f["triangles"], f["spheres"]]
    cells += [f"{f['by_meshes']:.1f}, {f['by_spheres']:.1f}", ", ".join(f"{wall:.2f} ({cpu:.2f})" for wall, cpu in (f["cold"], f["cached"]))]
    cells += [f"{f['pose_error']:.0e}", efforts, f"{f['plans']}/{PLANS}", f["needs"] or "–"]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Holds robots against pinocchio and coal.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="robots to look at [all]")
    parser.add_argument("--flatout", default="target/release/flatout", help="the command")
    parser.add_argument("--list", type=Path, default=here / "robots.toml", help="the robots")
    parser.add_argument("--data", type=Path, default=Path("robots"), help="folder of clones, OWNER+NAME")
    parser.add_argument("--ci", action="store_true", help="those that CI looks at alone")
    parser.add_argument("--json", type=Path, help="write all figures")
    arguments = parser.parse_args()
    listed = tomllib.loads(arguments.list.read_text())
    wanted = lambda r: r["name"] in arguments.names if arguments.names else r.get("ci", False) or not arguments.ci
    entries = [entry for entry in listed["robot"] if wanted(entry)]
    entries.sort(key=lambda e: arguments.names.index(e["name"]) if arguments.names else 0)
    if not entries:
        parser.error("no robot of these names is listed")
    coal_version, pin_version = coal.__version__, pin.__version__
    print(f"{len(entries)} robots; pinocchio {pin_version}, coal {coal_version}\n\n{HEADING}", flush=True)
    figures, misses = [], []
    for entry in entries:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            try:
                robot = Robot(entry, listed["source"], arguments.data)
                found = check(robot, Flatout(arguments.flatout, folder / "cache"), folder)
                figures.append(found)
                print(line(found), flush=True)
                misses += [f"{entry['name']}: {miss}" for miss in found["misses"]]
            except Exception as fault:  # One robot's trouble is told, and the others are looked at.
                misses.append(f"{entry['name']}: {type(fault).__name__}: {fault}")
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1))
    for kind, bar in (("cold", COLD_MEDIAN), ("cached", CACHED_MEDIAN)):
        medians = [statistics.median(f[kind][i] for f in figures) for i in (0, 1)] if figures else [0.0, 0.0]
        print(f"\nmedian load, {kind}: {medians[0]:.2f} s ({medians[1]:.2f} s of CPU)", end="")
        # On a machine that others use, too, the time of its CPUs says more than that of the clock; of CI's nothing is known.
        if min(medians) > bar and not arguments.ci:
            misses.append(f"the median load, {kind}, takes more than {bar} s")
    print("".join(f"\nmissed: {miss}" for miss in misses))
    sys.exit(1 if misses else 0)


if __name__ == "__main__":
    main()
