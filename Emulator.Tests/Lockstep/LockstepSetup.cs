using System.Globalization;

namespace Emulator.Tests.Lockstep;

/// <summary>Everything besides its code that a lockstep run depends on.</summary>
internal sealed record LockstepSetup
{
    /// <summary>Rounds of programs that a seed stands for; most of their time is that of compiling.</summary>
    public const int DefaultRounds = 3;

    /// <summary>Seed of the program, its data, the slices and the interrupts.</summary>
    public ulong Seed { get; init; }

    /// <summary>The mode that the program runs in; all but the flat one at a privilege level of their own.</summary>
    public LockstepMode Mode { get; init; }

    /// <summary>Whether the program runs at CPL 3.</summary>
    public bool User { get; init; }

    /// <summary>Interpreted entries of a block after which it is compiled.</summary>
    public int Threshold { get; init; } = 1;

    /// <summary>Whether regions are compiled on a thread of their own; such a run shows nothing that depends on when they are published.</summary>
    public bool Background { get; init; }

    /// <summary>Whether the machines are compared behind each run of a region; else behind slices only, where nothing holds the translator.</summary>
    public bool EachRegion { get; init; }

    /// <summary>Whether the translator's machine verifies its regions itself, too.</summary>
    public bool Verify { get; init; }

    /// <summary>Whether the host's compiler leaves regions unoptimized: the same code of ours in less than half the time.</summary>
    public bool Unoptimized { get; init; }

    /// <summary>Whether the second machine is the interpreter too, one instruction at a time: where slices end must not show.</summary>
    public bool Stepped { get; init; }

    /// <summary>Most guest instructions in a region.</summary>
    public int RegionInstructions { get; init; } = 250;

    /// <summary>Mean distance of timer interrupts in instructions; 0 for none.</summary>
    public uint TimerPeriod { get; init; }

    /// <summary>Instructions to run, in each round.</summary>
    public long Instructions { get; init; } = 20_000;

    /// <summary>
    /// How often the program starts again from its first block: with other data, pages, segments, registers and timers each time, and with the
    /// regions that are there, as long as their code is what it was.
    /// </summary>
    public int Rounds { get; init; } = 1;

    /// <summary>The first of the rounds that is run, from 0: what came earlier mostly does not matter for a divergence.</summary>
    public int FirstRound { get; init; }

    /// <summary>
    /// What a round depends on besides its code: a seed of its own, for data, order of pages, limits of segments, registers, interrupts. The first
    /// round has those of the setup.
    /// </summary>
    /// <param name="round">The round, from 0.</param>
    public LockstepSetup OfRound(int round)
    {
        if (round == 0)
        {
            return this;
        }

        SplitMix random = new(Seed + ((ulong)round << 48));
        return this with { Seed = random.Next(), TimerPeriod = TimerPeriod == 0 && random.OneIn(2) ? 0 : random.Pick<uint>([5, 60, 700, 5000]) };
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"seed {Seed}, {Mode}, CPL {(User ? 3 : 0)}, threshold {Threshold}{(Background ? ", in the background" : string.Empty)}{(EachRegion ? ", compared behind each region" : string.Empty)}{(Verify ? ", verified" : string.Empty)}{(Unoptimized ? ", unoptimized" : string.Empty)}{(Stepped ? ", interpreter by single instructions" : string.Empty)}, regions of {RegionInstructions}, timer {TimerPeriod}, {Instructions} instructions{(Rounds == 1 ? string.Empty : $" in each of {Rounds - FirstRound} rounds from {FirstRound}")}");
}
