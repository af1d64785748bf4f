"""The compiled loops of the rasteriser: drawing round cones into samples (`pooling` makes pixels of them).

Units are samples (pixels divided by the supersampling factor). A sphere in camera axes is (right, down, depth,
radius), relative to the middle of the frame and the plane of the camera.

A segment is a round cone: the union over t in [0, 1] of spheres with centre a + t d and radius ra + t dr, which is the
convex hull of its two ends. On a ray with origin o and unit direction w, the near side of sphere t lies at

    f(t) = w.(a - o) + t k - sqrt(Q(t)),    Q(t) = A t^2 + 2 B t + C,    k = w.d,

where Q is the squared radius of the circle that the sphere leaves around the ray. f' = 0 where A t + B = k sqrt(Q);
with S = sqrt(Q) at that place, S^2 = (B^2 - A C) / (k^2 - A) and t* = (k S - B) / A. The first hit is the least of
f(t*), f(0) and f(1), of those that exist.

Where A < 0 (the axis is seen from the side, as nearly always), f is convex where it exists, and exists on one interval:
the least value in [0, 1] is that at t* cut to [0, 1], and there is none where Q is negative at that place. This needs
no branch, so several samples of a row are computed at a time. LLVM makes vectors of a loop for long rows only; most
rows are a few samples, so the vectors are written out (`_draw_block`).

All kernels of drawing stand in this one file: numba's cache looks at the file of the kernel that is called, and would
keep old code of one that it calls in another.
"""
# mypy: disable-error-code="no-untyped-def, call-arg"

from __future__ import annotations

import math

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from neuropil.compiled import compiled

TILE = 8
"""Pixels along each side of a tile; only tiles that something was drawn into are pooled and cleared."""

_SLACK = 1.5  # samples by which a middle may lie behind what was drawn there and still count as seen
_SIDEWAYS = 1e-3  # of the squared length: -A from which on the axis counts as seen from the side
_CUT = 2.0  # radius in samples from which on it pays to look at what neighbours draw
_LANES = 4  # samples of a row that are computed at a time
_STEEP = 1e-12  # samples along a row below which the sides of a segment's ends are taken as parallel to it
_WIDER = 1e-6  # samples by which spans are widened, for rounding; what a span holds is tested sample by sample

_inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
"""For parts of a kernel, which take numbers and tuples: a call that is given arrays counts references to them, and so
does a slice; either costs more than a row of samples does."""

_NOWHERE_CUT = (-math.inf, math.inf, 0.0)
"""Lines (see `_begin`) that leave out nothing."""


@compiled
def nearest(A: float, B: float, C: float, k: float) -> float:
    """The least of t k - sqrt(A t^2 + 2 B t + C) over the t in [0, 1] where the root exists; inf for none."""
    least = math.inf
    if C >= 0.0:
        least = -math.sqrt(C)
    Q = A + 2.0 * B + C
    if Q >= 0.0:
        least = min(least, k - math.sqrt(Q))
    discriminant = B * B - A * C
    convex = k * k - A
    if discriminant > 0.0 and convex > 1e-12:
        S = math.sqrt(discriminant / convex)
        kS = k * S
        # Two forms of the same root: the one without cancellation.
        t = (S * S - C) / (kS + B) if kS * B > 0.0 else (kS - B) / A
        if 0.0 < t < 1.0:
            least = min(least, t * k - S)
    return least


@_inlined
def place(x, y, z, radius, view):
    """A sphere in space to camera axes.

    Args:
        x, y, z, radius: micrometres.
        view: (16,) rotation row by row, centre, then distance (micrometres), samples a micrometre, focal length in
            samples (0: orthographic) and least radius in samples.

    Returns:
        (right, down, depth, radius).
    """
    x, y, z = x - view[9], y - view[10], z - view[11]
    scale, focal, least = view[13], view[14], view[15]
    right = (view[0] * x + view[1] * y + view[2] * z) * scale
    down = -(view[3] * x + view[4] * y + view[5] * z) * scale
    deep = (view[12] - (view[6] * x + view[7] * y + view[8] * z)) * scale
    return right, down, deep, max(radius * scale, least if focal == 0.0 else least * deep / focal)


@compiled
def draw(starts, ends, start_radii, end_radii, segment_classes, view, tile_of, depth, classes, touched):
    """Draw all segments of an orthographic view into `depth` and `classes` (what is nearest stays).

    Rays start in the plane of the camera and run along depth. `tile_of` tells the tile of each row or column of
    samples; tiles that were drawn into are marked in `touched`.

    Along a neurite each segment's end sphere is the start sphere of the next. In thick, densely traced neurites nearly
    all of a segment's image is that of its two end spheres, drawn again by its neighbours. A wide segment leaves out
    samples where its first hit surely lies on a sphere that a neighbour of its class draws too: the start's
    (t* <= 0), which the segment before draws, and the end's (t* >= 1), where the next one does not leave it out.
    Neither leaves a sample to the other that leaves it back. What is drawn all the same is the same hit.
    """
    height, width = depth.shape
    half_width, half_height = width / 2, height / 2
    number = len(starts)
    joined = False  # to the segment before: its sphere `there` is `here`, and what it knows of this one is kept
    here = there = beyond = (0.0, 0.0, 0.0, 0.0)
    cone = after = _cone(here, there)
    begin = begin_after = _begin(cone)
    for i in range(number):
        if joined:
            here, there, cone, begin = there, beyond, after, begin_after
        else:
            here = place(starts[i, 0], starts[i, 1], starts[i, 2], start_radii[i], view)
            there = place(ends[i, 0], ends[i, 1], ends[i, 2], end_radii[i], view)
            cone, begin = _cone(here, there), _NOWHERE_CUT
        follows = (
            i + 1 < number
            and segment_classes[i] == segment_classes[i + 1]
            and end_radii[i] == start_radii[i + 1]
            and ends[i, 0] == starts[i + 1, 0]
            and ends[i, 1] == starts[i + 1, 1]
            and ends[i, 2] == starts[i + 1, 2]
        )
        if follows:
            beyond = place(ends[i + 1, 0], ends[i + 1, 1], ends[i + 1, 2], end_radii[i + 1], view)
            after = _cone(there, beyond)
            begin_after = _begin(after)
        label = segment_classes[i]
        x0, y0, z0, r0, dx, dy, dz, dr, A, over_a, over_convex, sideways, wide, _ = cone
        end = _end(cone)
        top, bottom, bound, strip = _outline(cone, half_width, half_height)
        for row in range(top, bottom + 1):
            y = row + 0.5 - half_height
            left, right = _across(strip, y)
            if wide:
                left, right = max(left, begin[0] + begin[2] * y), min(right, begin[1] + begin[2] * y)
                if follows and left <= right:
                    left, right = _left_by_next(end, begin_after, y, left, right)
            if left > right:  # also where one of them is infinite
                continue
            low = max(0, math.ceil(left + half_width - 0.5 - _WIDER))
            high = min(width - 1, math.floor(right + half_width - 0.5 + _WIDER))
            ay = y0 - y
            rest_b, rest_c = r0 * dr - ay * dy, r0 * r0 - ay * ay
            drawn = False
            if sideways and high > low and width >= _LANES:
                # The last block may reach further than `high`, what it draws there is the segment too.
                first = min(low, width - _LANES)
                low = first
                while first <= high:
                    first = min(first, width - _LANES)
                    ax = x0 - (first + 0.5 - half_width)
                    numbers = (ax, rest_b, rest_c, dx, dz, z0, A, over_a, over_convex)
                    drawn |= _draw_block(depth, classes, row, first, label, numbers)
                    first += _LANES
                high = first - 1
            else:
                ax = x0 - (low + 0.5 - half_width)
                for column in range(low, high + 1):
                    if depth[row, column] > bound:
                        B, C = rest_b - ax * dx, rest_c - ax * ax
                        hit = _sideways_hit(A, B, C, dz, over_a, over_convex) if sideways else nearest(A, B, C, dz)
                        if z0 + hit < depth[row, column]:
                            depth[row, column] = z0 + hit
                            classes[row, column] = label
                            drawn = True
                    ax -= 1.0
            if drawn:
                for column in range(tile_of[low], tile_of[high] + 1):
                    touched[tile_of[row], column] = 1
        joined = follows


@intrinsic
def _draw_block(typing_context, depth, classes, row, column, label, numbers):
    """Draw `_LANES` samples of a row, as `_sideways_hit` without branches; return whether any was nearer.

    Args:
        depth, classes: as in `draw`.
        row, column: of the first sample.
        label: the class of the segment.
        numbers: ax of the first sample, the parts of B and C that are the same for the row (B = b - ax dx,
            C = c - ax^2), dx, dz, z0, A, 1 / A and 1 / (k^2 - A).
    """

    def generate(context, builder, signature, arguments):
        lanes = _Lanes(builder)
        depth, classes, row, column, label, numbers = arguments
        ax, b, c, dx, dz, z0, A, over_a, over_convex = (
            lanes.spread(number) for number in cgutils.unpack_tuple(builder, numbers)
        )
        add, sub, mul = builder.fadd, builder.fsub, builder.fmul
        off = sub(ax, lanes.of(range(_LANES)))
        B, C = sub(b, mul(off, dx)), sub(c, mul(off, off))
        square = mul(sub(mul(B, B), mul(A, C)), over_convex)
        free = mul(sub(mul(dz, lanes.root(square)), B), over_a)
        t = lanes.least(lanes.most(free, lanes.of([0] * _LANES)), lanes.of([1] * _LANES))
        Q = add(mul(add(mul(A, t), add(B, B)), t), C)
        Q = builder.select(builder.fcmp_ordered("==", t, free), square, Q)
        near = sub(add(z0, mul(t, dz)), lanes.root(Q))

        def place_of(array, kind, element):
            held = context.make_array(kind)(context, builder, array)
            place = cgutils.get_item_pointer(context, builder, kind, held, [row, column], wraparound=False)
            return builder.bitcast(place, ir.VectorType(element, _LANES).as_pointer())

        at, class_at = (
            place_of(depth, signature.args[0], lanes.single),
            place_of(classes, signature.args[1], label.type),
        )
        before, class_before = builder.load(at, align=4), builder.load(class_at, align=1)
        nearer = builder.fcmp_ordered("<", near, builder.fpext(before, lanes.kind))
        for exists in (square, Q):
            nearer = builder.and_(nearer, builder.fcmp_ordered(">=", exists, lanes.of([0] * _LANES)))
        narrow = builder.fptrunc(near, ir.VectorType(lanes.single, _LANES))
        builder.store(builder.select(nearer, narrow, before), at, align=4)
        builder.store(builder.select(nearer, lanes.spread(label), class_before), class_at, align=1)
        bits = builder.bitcast(nearer, ir.IntType(_LANES))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(depth, classes, row, column, label, numbers), generate


class _Lanes:
    """Vectors of `_LANES` numbers in LLVM's language."""

    single = ir.FloatType()
    kind = ir.VectorType(ir.DoubleType(), _LANES)

    def __init__(self, builder):
        self._builder = builder
        function = ir.FunctionType(self.kind, [self.kind])
        self._sqrt = cgutils.get_or_insert_function(builder.module, function, f"llvm.sqrt.v{_LANES}f64")

    def of(self, values):
        """Constants."""
        return ir.Constant(self.kind, [ir.Constant(ir.DoubleType(), float(value)) for value in values])

    def spread(self, number):
        """The same number in all lanes."""
        kind, index = ir.VectorType(number.type, _LANES), ir.IntType(32)
        one = self._builder.insert_element(ir.Constant(kind, ir.Undefined), number, index(0))
        everywhere = ir.Constant(ir.VectorType(index, _LANES), [0] * _LANES)
        return self._builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)

    def root(self, values):
        """Square roots; 0 for what is negative."""
        return self._builder.call(self._sqrt, [self.most(values, self.of([0] * _LANES))])

    def most(self, a, b):
        """The larger ones."""
        return self._builder.select(self._builder.fcmp_ordered(">", a, b), a, b)

    def least(self, a, b):
        """The smaller ones."""
        return self._builder.select(self._builder.fcmp_ordered("<", a, b), a, b)


@_inlined
def _cone(here, there):
    """What of the segment between two spheres is the same for all its samples."""
    x0, y0, z0, r0 = here
    dx, dy, dz, dr = there[0] - x0, there[1] - y0, there[2] - z0, there[3] - r0
    across = dx * dx + dy * dy
    A = dr * dr - across
    sideways = across > 1e-12 and A + _SIDEWAYS * across < 0.0
    wide = sideways and max(r0, r0 + dr) > _CUT
    over_a = 1.0 / A if sideways else 0.0
    over_convex = 1.0 / (dz * dz - A) if sideways else 0.0
    over_x = 1.0 / dx if abs(dx) > _STEEP else 1.0 / _STEEP
    return x0, y0, z0, r0, dx, dy, dz, dr, A, over_a, over_convex, sideways, wide, over_x


@_inlined
def _begin(cone):
    """Between which lines t* may be above 0: `least + slope y < x < most + slope y`, as (least, most, slope).

    t* > 0 where f'(0) = k - B / sqrt(C) < 0: where B > k sqrt(C), and sqrt(C) is between 0 and the radius.
    """
    x0, y0, _, r0, dx, dy, dz, dr, _, _, _, _, wide, over_x = cone
    if not wide:
        return _NOWHERE_CUT
    edge = (min(dz, 0.0) * r0 - _WIDER - (r0 * dr - y0 * dy - x0 * dx)) * over_x
    return (edge, math.inf, -dy * over_x) if over_x > 0.0 else (-math.inf, edge, -dy * over_x)


@_inlined
def _end(cone):
    """Between which lines t* is surely at least 1, as `_begin`: where f'(1) = k - (A + B) / sqrt(Q(1)) <= 0."""
    x0, y0, _, r0, dx, dy, dz, dr, A, _, _, _, _, over_x = cone
    edge = (max(dz, 0.0) * (r0 + dr) + _WIDER - (A + r0 * dr - y0 * dy - x0 * dx)) * over_x
    return (edge, math.inf, -dy * over_x) if over_x > 0.0 else (-math.inf, edge, -dy * over_x)


@_inlined
def _left_by_next(end, begin_after, y, left, right):
    """What is left of a row when the next segment draws all of it that it does not leave out itself."""
    lean, lean_after = end[2] * y, begin_after[2] * y
    low, high = max(end[0] + lean, begin_after[0] + lean_after), min(end[1] + lean, begin_after[1] + lean_after)
    if low <= left:
        left = max(left, high)
    elif high >= right:
        right = min(right, low)
    return left, right


@_inlined
def _outline(cone, half_width, half_height):
    """First and last row of a segment, a depth that it does not reach, and the strip that holds its image.

    The strip has the larger end's radius around the axis. No rows where the image is beside the frame.
    """
    x0, y0, z0, r0, dx, dy, dz, dr, _, _, _, _, _, _ = cone
    r1 = r0 + dr
    top = max(0, math.ceil(min(y0 - r0, y0 + dy - r1) + half_height - 0.5))
    bottom = math.floor(min(max(y0 + r0, y0 + dy + r1), half_height) + half_height - 0.5)
    least, most = min(x0 - r0, x0 + dx - r1), max(x0 + r0, x0 + dx + r1)
    if most < -half_width or least > half_width:
        bottom = top - 1
    steep = abs(dy) > 1e-9
    lean = dx / dy if steep else 0.0
    half = max(r0, r1) * math.sqrt(1.0 + lean * lean) if steep else math.inf
    return top, bottom, z0 + min(-r0, dz - r1), (x0 - y0 * lean, lean, half, least, most)


@_inlined
def _across(strip, y):
    """From where to where a strip reaches in the row y."""
    offset, lean, half, least, most = strip
    middle = offset + y * lean
    return max(least, middle - half), min(most, middle + half)


@_inlined
def _sideways_hit(A, B, C, k, over_a, over_convex):
    """`nearest` where A < 0, with 1 / A and 1 / (k^2 - A)."""
    square = (B * B - A * C) * over_convex
    if square < 0.0:
        return math.inf
    S = math.sqrt(square)
    t = (k * S - B) * over_a
    if 0.0 <= t <= 1.0:
        return t * k - S
    t = 0.0 if t < 0.0 else 1.0
    Q = (A * t + 2.0 * B) * t + C
    return t * k - math.sqrt(Q) if Q >= 0.0 else math.inf


@compiled
def draw_perspective(starts, ends, start_radii, end_radii, segment_classes, view, tile_of, depth, classes, touched):
    """As `draw`, for a perspective view.

    A ray starts at the camera and has the unit direction w; depth is measured along the axis of the camera.
    """
    height, width = depth.shape
    half_width, half_height = width / 2, height / 2
    focal = view[14]
    here = there = (0.0, 0.0, 0.0, 0.0)
    first = last = (0.0, 0.0, 0.0)
    for i in range(len(starts)):
        x, y, z = starts[i, 0], starts[i, 1], starts[i, 2]
        if (
            i > 0
            and end_radii[i - 1] == start_radii[i]
            and (ends[i - 1, 0], ends[i - 1, 1], ends[i - 1, 2]) == (x, y, z)
        ):
            here, first = there, last
        else:
            here = place(x, y, z, start_radii[i], view)
            first = _shadow(here, focal)
        there = place(ends[i, 0], ends[i, 1], ends[i, 2], end_radii[i], view)
        last = _shadow(there, focal)
        discs = _cone((first[0], first[1], 0.0, first[2]), (last[0], last[1], 0.0, last[2]))
        top, bottom, _, strip = _outline(discs, half_width, half_height)
        bound = min(here[2] - here[3], there[2] - there[3])  # no sample of the segment is nearer
        for row in range(top, bottom + 1):
            y = row + 0.5 - half_height
            left, right = _across(strip, y)
            low = max(0, math.ceil(left + half_width - 0.5 - _WIDER))
            high = min(width - 1, math.floor(right + half_width - 0.5 + _WIDER))
            drawn = False
            for column in range(low, high + 1):
                if depth[row, column] > bound:
                    near = _hit_in_perspective(here, there, (column + 0.5 - half_width) / focal, y / focal)
                    if near < depth[row, column]:
                        depth[row, column] = near
                        classes[row, column] = segment_classes[i]
                        drawn = True
            if drawn:
                for column in range(tile_of[low], tile_of[high] + 1):
                    touched[tile_of[row], column] = 1


@_inlined
def _hit_in_perspective(here, there, u, v):
    """The depth at which the ray through (u, v), at a focal length of 1, meets the segment; inf for none."""
    x, y, z, r = here
    dx, dy, dz, dr = there[0] - x, there[1] - y, there[2] - z, there[3] - r
    wz = 1.0 / math.sqrt(1.0 + u * u + v * v)
    wx, wy = u * wz, v * wz
    along = wx * x + wy * y + wz * z
    k = wx * dx + wy * dy + wz * dz
    # The part of a across the ray: |a|^2 - (w.a)^2 would cancel.
    px, py, pz = x - along * wx, y - along * wy, z - along * wz
    A = dr * dr - (dx * dx + dy * dy + dz * dz) + k * k
    B = r * dr - (px * dx + py * dy + pz * dz)
    C = r * r - (px * px + py * py + pz * pz)
    return (along + nearest(A, B, C, k)) * wz


@_inlined
def _shadow(sphere, focal):
    """The disc (right, down, radius) around the image of a sphere in a perspective view.

    The image is an ellipse whose long axis points to the middle of the frame; the disc is the circle around it.
    """
    right, down, deep, radius = sphere
    across = math.hypot(right, down)
    angle = math.atan2(across, deep)
    half = math.asin(min(1.0, radius / math.hypot(across, deep)))
    inner, outer = focal * math.tan(angle - half), focal * math.tan(angle + half)
    shift = (inner + outer) / (2.0 * across) if across > 0.0 else 0.0
    return right * shift, down * shift, (outer - inner) / 2.0


@compiled
def visible_share(starts, ends, start_radii, end_radii, view, depth):
    """The share of the length, by the middles of the segments in the frame, that is in front at its sample."""
    height, width = depth.shape
    seen, inside = 0.0, 0.0
    for i in range(len(starts)):
        x, y, z = ends[i, 0] - starts[i, 0], ends[i, 1] - starts[i, 1], ends[i, 2] - starts[i, 2]
        radius = (start_radii[i] + end_radii[i]) / 2.0
        sphere = place(starts[i, 0] + x / 2.0, starts[i, 1] + y / 2.0, starts[i, 2] + z / 2.0, radius, view)
        closer = 1.0 if view[14] == 0.0 else view[14] / sphere[2]
        column = math.floor(sphere[0] * closer + width / 2)
        row = math.floor(sphere[1] * closer + height / 2)
        if 0 <= column < width and 0 <= row < height:
            length = math.sqrt(x * x + y * y + z * z)
            inside += length
            if depth[row, column] >= sphere[2] - sphere[3] - _SLACK:
                seen += length
    return seen / inside if inside > 0.0 else 0.0
