namespace Emulator.Jit.Verification;

/// <summary>The first run of a region whose result was not the interpreter's.</summary>
public sealed class Divergence
{
    /// <summary>One line: where, and what differs first.</summary>
    public required string Summary { get; init; }

    /// <summary>The region, its guest code, both states, memory, the IL.</summary>
    public required string Report { get; init; }

    /// <summary>A flat image that brings a machine into the state in front of the region and enters it; null with a reason in the report.</summary>
    public required ReproducerImage? Reproducer { get; init; }

    /// <summary>Guest instructions of the smallest region that still diverges: what <c>--jit-region</c> should be.</summary>
    public required int RegionInstructions { get; init; }
}
