"""The two small programs that draw classes: thin neurites widened as the analytic rasteriser does it.

A corner comes as a point on the axis of its segment (`position`), a direction of about unit length from there
(`normal`), and radius and class (`texcoord_0`). The radius is at least `least_radius` times w, and w is 1 in an
orthographic view and the depth in a perspective one; so one upload serves every view of a neuron.
"""

CONES_VERTEX = """
#version 330 core
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 texcoord_0;
uniform mat4 V;
uniform mat4 P;
uniform float least_radius;
flat out float label;

void main()
{
    vec4 axis = V * vec4(position, 1.0);
    float w = P[2].w * axis.z + P[3].w;
    float radius = max(texcoord_0.x, least_radius * w);
    gl_Position = P * vec4(axis.xyz + mat3(V) * (radius * normal), 1.0);
    label = texcoord_0.y;
}
"""

CONES_FRAGMENT = """
#version 330 core
flat in float label;
out vec4 colour;

void main()
{
    colour = vec4(label / 255.0, 0.0, 0.0, 1.0);
}
"""
