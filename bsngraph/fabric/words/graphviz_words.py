"""The names of Graphviz's own attributes (its manual, "Attributes"). A fabric keeps
them and ignores them.
"""

_EVERYWHERE = """
    URL class color colorscheme comment fontcolor fontname fontsize href id label labelloc layer nojustify
    penwidth style target tooltip
"""

NODE = frozenset(
    (
        _EVERYWHERE
        + """
    area distortion fillcolor fixedsize gradientangle group height image imagepos imagescale labeljust margin
    ordering orientation peripheries pin pos rects regular root samplepoints shape shapefile showboxes sides
    size skew sortv vertices width xlabel xlp z
"""
    ).split()
)

EDGE = frozenset(
    (
        _EVERYWHERE
        + """
    arrowhead arrowsize arrowtail constraint decorate dir edgeURL edgehref edgetarget edgetooltip fillcolor
    headURL head_lp headclip headhref headlabel headport headtarget headtooltip labelURL labelangle
    labeldistance labelfloat labelfontcolor labelfontname labelfontsize labelhref labeltarget labeltooltip len
    lhead lp ltail minlen pos samehead sametail showboxes tailURL tail_lp tailclip tailhref taillabel tailport
    tailtarget tailtooltip weight xlabel xlp
"""
    ).split()
)

GRAPH = frozenset(
    (
        _EVERYWHERE
        + """
    Damping K _background bb beautify bgcolor center charset cluster clusterrank compound concentrate
    defaultdist dim dimen diredgeconstraints dpi epsilon esep fontnames fontpath forcelabels gradientangle
    imagepath inputscale labeljust labelscheme landscape layerlistsep layers layerselect layersep layout
    levels levelsgap lheight linelength lp lwidth margin maxiter mclimit mindist mode model newrank nodesep
    normalize notranslate nslimit nslimit1 oneblock ordering orientation outputorder overlap overlap_scaling
    overlap_shrink pack packmode pad page pagedir pencolor quadtree quantum rank rankdir ranksep ratio
    remincross repulsiveforce resolution root rotate rotation scale searchsize sep showboxes size smoothing
    sortv splines start stylesheet truecolor viewport voro_margin xdotversion
"""
    ).split()
) - {"target"}  # a word of ours on a graph
