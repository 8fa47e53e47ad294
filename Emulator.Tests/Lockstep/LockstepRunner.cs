using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Jit;
using Emulator.Jit.Verification;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// Runs guest programs on two machines, one of them with a translator, in slices of random lengths, and compares their whole state behind
/// each slice and their memory regularly. A divergence is made small and described.
/// </summary>
internal sealed unsafe class LockstepRunner : IDisposable
{
    private const int SlicesBetweenMemoryChecks = 16;
    private const int RegionsBetweenMemoryChecks = 512;
    private const int TraceLength = 24;

    /// <summary>One slice in so many ends with other registers.</summary>
    private const int SlicesBetweenShakes = 6;

    private readonly RegionWatch _watch;
    private readonly LockstepImage _image = new();

    /// <summary>Behind how many instructions the machines of the last run were shaken, and how, or began another round (that is not 0).</summary>
    private readonly List<(long Retired, ulong Seed, int Round)> _changes = [];
    private LockstepMachine _interpreter;
    private LockstepMachine _translator;
    private string? _lastRun;
    private bool _isStopNoted;
    private bool _diverged;
    private long _regions;
    private Exception? _exception;
    private int _round;

    /// <summary>Behind how many instructions the last slice of the last run began.</summary>
    private long _sliceStart;

    /// <summary>Instructions that it was to have.</summary>
    private int _sliceLength;

    public LockstepRunner()
    {
        _watch = new RegionWatch(this);
        _interpreter = new LockstepMachine(translated: false);
        _translator = new LockstepMachine(translated: true, _watch);
    }

    /// <summary>Whether a divergence is made small and described; otherwise its setup is named only.</summary>
    public bool Shrinks { get; init; } = true;

    /// <summary>Guest instructions that both machines executed.</summary>
    public long Instructions { get; private set; }

    /// <summary>Of these, those that ran in regions.</summary>
    public long Translated { get; private set; }

    /// <summary>Faults and interrupts that the programs took.</summary>
    public long Deliveries { get; private set; }

    public void Dispose()
    {
        _interpreter.Dispose();
        _translator.Dispose();
    }

    /// <summary>Generates and runs the program of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="instructions">Instructions to run in each round.</param>
    /// <param name="rounds">Rounds, see <see cref="LockstepSetup.Rounds"/>.</param>
    /// <returns>Null, or the description of a divergence, made small.</returns>
    public string? RunSeed(ulong seed, long instructions, int rounds) =>
        Run(ProgramGenerator.Generate(ProgramGenerator.SetupOf(seed, instructions) with { Rounds = rounds }));

    /// <summary>Runs a program.</summary>
    /// <param name="program">The program.</param>
    /// <returns>Null, or the description of a divergence, made small.</returns>
    public string? Run(GuestProgram program)
    {
        if (!Diverges(program))
        {
            return null;
        }

        return Shrinks ? Describe(Shrink(program), program) : program.Setup.ToString();
    }

    private bool Diverges(GuestProgram program)
    {
        long translated = _translator.Core.TranslatedInstructions;
        long deliveries = _interpreter.Core.FaultsDelivered + _interpreter.Core.InterruptsDelivered;
        bool diverges = RunRounds(program, long.MaxValue);
        Instructions += _interpreter.Retired;
        Translated += _translator.Core.TranslatedInstructions - translated;
        Deliveries += _interpreter.Core.FaultsDelivered + _interpreter.Core.InterruptsDelivered - deliveries;
        if (diverges)
        {
            // The two clocks may differ now; both start at zero again.
            Renew();
        }

        return diverges;
    }

    private bool RunRounds(GuestProgram program, long most)
    {
        _changes.Clear();
        _isStopNoted = false;
        _diverged = false;
        _lastRun = null;
        _exception = null;
        for (_round = program.Setup.FirstRound; _round < program.Setup.Rounds; _round++)
        {
            ReadOnlySpan<byte> image = _image.Build(program.OfRound(_round));
            if (_round == program.Setup.FirstRound)
            {
                _interpreter.Load(program, image);
                _translator.Load(program, image);
            }
            else
            {
                _changes.Add((_translator.Retired, 0, _round));
                _interpreter.Restart(program, _round, image);
                _translator.Restart(program, _round, image);
            }

            if (RunSlices(program, new SplitMix(program.Setup.OfRound(_round).Seed + 5), Math.Min(_translator.Retired + program.Setup.Instructions, most), most)
                || _translator.CompileFailures != 0 || !_interpreter.Ram.SequenceEqual(_translator.Ram))
            {
                return true;
            }

            if (_translator.Retired >= most)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Runs slices up to an instruction.</summary>
    /// <param name="program">The program.</param>
    /// <param name="random">Where slices end.</param>
    /// <param name="end">Behind how many instructions in all it is enough; the last slice may go beyond.</param>
    /// <param name="most">Behind how many instructions the last slice ends at the latest.</param>
    private bool RunSlices(GuestProgram program, SplitMix random, long end, long most)
    {
        int slices = 0;
        while (_translator.Retired < end)
        {
            int slice = 1 + random.Below(random.Pick<int>([3, 40, 500, 500, 5000]));
            slice = (int)Math.Min(slice, most - _translator.Retired);
            slices++;

            // The translator goes first; at each exit of a region the interpreter follows (if the setup wants it), and here.
            long start = _translator.Retired;
            (_sliceStart, _sliceLength) = (start, slice);
            StopReason reason;
            try
            {
                reason = program.Setup.Stepped ? Step(slice) : _translator.Core.Run(slice);
            }
            catch (Exception e) when (e is ArithmeticException or InvalidOperationException or NullReferenceException or ArgumentException or IndexOutOfRangeException)
            {
                // A division that should have faulted, or the translator found itself wrong.
                _exception = e;
                return true;
            }

            Follow();
            if (_diverged)
            {
                // What follows would let the interpreter go on.
                return true;
            }

            if (reason == StopReason.Shutdown && _interpreter.Core.Run(1) != StopReason.Shutdown)
            {
                // The delivery of an interrupt, which takes no time, led to it.
                return true;
            }

            if (reason == StopReason.Requested && !_isStopNoted)
            {
                // The same: a delivery whose stack is the device.
                _isStopNoted = _interpreter.Core.Run(1) == StopReason.Requested;
            }

            if (_diverged || _translator.Divergence is not null || _interpreter.Retired != _translator.Retired || !StateComparison.Equal(_interpreter.State, _translator.State)
                || _isStopNoted != (reason == StopReason.Requested) || (reason == StopReason.Limit && _translator.Retired - start != slice)
                || (slices % SlicesBetweenMemoryChecks == 0 && !_interpreter.Ram.SequenceEqual(_translator.Ram)))
            {
                return true;
            }

            _isStopNoted = false;
            if (reason is StopReason.Halted or StopReason.Shutdown)
            {
                break;
            }

            if (random.OneIn(SlicesBetweenShakes))
            {
                ulong seed = random.Next();
                _changes.Add((_translator.Retired, seed, 0));
                _interpreter.Shake(program, seed);
                _translator.Shake(program, seed);
            }
        }

        return false;
    }

    /// <summary>Runs the second machine one instruction at a time.</summary>
    private StopReason Step(int instructions)
    {
        long end = _translator.Retired + instructions;
        StopReason reason;
        do
        {
            reason = _translator.Core.Run(1);
        }
        while (reason == StopReason.Limit && _translator.Retired < end);
        return reason;
    }

    /// <summary>Lets the interpreter run until it has retired what the translator has.</summary>
    private void Follow()
    {
        while (true)
        {
            StopReason reason = _interpreter.Core.Run(_translator.Retired - _interpreter.Retired);
            if (reason != StopReason.Requested)
            {
                _diverged |= reason is StopReason.Halted or StopReason.Shutdown && _interpreter.Retired != _translator.Retired;
                return;
            }

            // A stop ends the translator's run at this instruction, too.
            _diverged |= _isStopNoted || _interpreter.Retired != _translator.Retired;
            _isStopNoted = true;
        }
    }

    /// <summary>Behind a run of a region: the interpreter follows, and the two are compared.</summary>
    private void Compare(CpuState* s, int status, uint eip, long instructions)
    {
        Follow();
        if (s->Budget <= 0 || status == ExecStatus.Fault)
        {
            // The interpreter has seen the events that are due now, the translator will. In front of a fault, the translator has begun the
            // instruction: CR2 is set, and a device that it touched may ask for an interrupt.
            return;
        }

        // A stop that was noted here is pending there.
        PendingWork pending = s->Pending;
        if (_isStopNoted)
        {
            s->Pending &= ~PendingWork.Stop;
        }

        bool equal = !_diverged && _interpreter.Retired == _translator.Retired && StateComparison.Equal(_interpreter.State, s)
            && (++_regions % RegionsBetweenMemoryChecks != 0 || _interpreter.Ram.SequenceEqual(_translator.Ram));
        s->Pending = pending;
        if (!equal)
        {
            _diverged = true;
            _lastRun = string.Create(CultureInfo.InvariantCulture, $"the region entered at {eip:X8} ran {instructions} instructions to {s->Eip:X8}, status {status}\n{_translator.DescribeCode(CpuState.Segment(s, SegmentIndex.Cs)->Base + eip)}");
            _translator.Core.RequestStop();
        }
    }

    /// <summary>Removes blocks' contents, then single items, then instructions to run, as long as the machines still diverge.</summary>
    private GuestProgram Shrink(GuestProgram program)
    {
        // The last run diverged in its last round: later ones are of no use, and earlier ones mostly neither.
        int round = _round;
        program = program with { Setup = program.Setup with { Rounds = round + 1 } };
        if (round != 0 && Diverges(program with { Setup = program.Setup with { FirstRound = round } }))
        {
            program = program with { Setup = program.Setup with { FirstRound = round } };
        }

        bool progress = true;
        while (progress)
        {
            progress = false;
            for (int b = program.Blocks.Count - 1; b >= 0; b--)
            {
                progress |= ShrinkBlock(ref program, b, others: true);
                progress |= ShrinkBlock(ref program, b, others: false);
            }
        }

        LockstepSetup setup = program.Setup;
        foreach (LockstepSetup simpler in (ReadOnlySpan<LockstepSetup>)[setup with { TimerPeriod = 0 }, setup with { User = setup.User && setup.Mode != LockstepMode.Flat32 }, setup with { Threshold = 1 }, setup with { EachRegion = true }])
        {
            if (Diverges(program with { Setup = simpler }))
            {
                program = program with { Setup = simpler };
            }
        }

        return program;
    }

    private bool ShrinkBlock(ref GuestProgram program, int block, bool others)
    {
        bool progress = false;
        for (int count = Items(program).Count; count >= 1; count /= 2)
        {
            for (int i = Items(program).Count - count; i >= 0; i -= count)
            {
                List<GuestItem> items = [.. Items(program)];
                items.RemoveRange(i, count);
                List<GuestBlock> blocks = [.. program.Blocks];
                blocks[block] = others ? blocks[block] with { Others = items } : blocks[block] with { Items = items };
                GuestProgram candidate = program with { Blocks = blocks };
                if (Diverges(candidate))
                {
                    program = candidate;
                    progress = true;
                }
            }
        }

        return progress;

        IReadOnlyList<GuestItem> Items(GuestProgram p) => others ? p.Blocks[block].Others : p.Blocks[block].Items;
    }

    private string Describe(GuestProgram program, GuestProgram original)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{program.Setup}\n{program.ItemCount} items left of {original.ItemCount}:\n");
        text.Append(LockstepCase.Format(program));
        if (!Diverges(program))
        {
            return text.Append("does not diverge again: it depends on the machines' history\n").ToString();
        }

        long first = program.Setup.EachRegion || program.Setup.Verify ? long.MaxValue : FindFirst(program);
        RunRounds(program, first);
        text.Append(CultureInfo.InvariantCulture, $"first difference behind {_interpreter.Retired} and {_translator.Retired} instructions; interpreter <> translator:\n");
        text.Append(StateComparison.Describe(_interpreter.State, _translator.State));
        int differs = _interpreter.Ram.CommonPrefixLength(_translator.Ram);
        if (differs != LockstepMachine.RamSize)
        {
            int length = Math.Min(16, (int)LockstepMachine.RamSize - differs);
            text.Append(CultureInfo.InvariantCulture, $"  [{differs:X6}] {Convert.ToHexString(_interpreter.Ram.Slice(differs, length))} <> {Convert.ToHexString(_translator.Ram.Slice(differs, length))}\n");
        }

        text.Append(_lastRun);
        text.Append(_exception is null ? null : _exception + "\n");
        text.Append(_translator.Divergence?.Report);
        long count = _interpreter.Retired;
        Renew();
        text.Append("the last instructions, in the interpreter:\n");
        Trace(text, program, count);
        Renew();
        return text.ToString();
    }

    /// <summary>The length of the shortest run whose end differs: its last instruction is the first that went wrong.</summary>
    private long FindFirst(GuestProgram program)
    {
        long low = _sliceStart;
        long high = low + _sliceLength;
        while (high - low > 1)
        {
            long middle = (low + high) / 2;
            if (RunRounds(program, middle))
            {
                high = middle;
            }
            else
            {
                low = middle;
            }

            Renew();
        }

        return high;
    }

    private void Renew()
    {
        Dispose();
        _interpreter = new LockstepMachine(translated: false);
        _translator = new LockstepMachine(translated: true, _watch);
    }

    private void Trace(StringBuilder text, GuestProgram program, long count)
    {
        Queue<(long Retired, ulong Seed, int Round)> changes = new(_changes);
        _interpreter.Load(program);
        Queue<string> lines = [];
        byte[] bytes = new byte[15];
        while (_interpreter.Retired < count)
        {
            while (changes.TryPeek(out (long Retired, ulong Seed, int Round) change) && change.Retired == _interpreter.Retired)
            {
                changes.Dequeue();
                if (change.Round != 0)
                {
                    _interpreter.Restart(program, change.Round, _image.Build(program.OfRound(change.Round)));
                }
                else
                {
                    _interpreter.Shake(program, change.Seed);
                }
            }

            CpuState* s = _interpreter.State;
            for (uint i = 0; i < bytes.Length; i++)
            {
                bytes[i] = Mmu.Peek(s, GuestAccesses.LinearEip(s) + i, out byte value) ? value : (byte)0;
            }

            StringBuilder line = new();
            Decoder decoder = Decoder.Create(CpuState.Segment(s, SegmentIndex.Cs)->IsBig ? 32 : 16, bytes);
            decoder.IP = s->Eip;
            line.Append(CultureInfo.InvariantCulture, $"  {_interpreter.Retired,8} {CpuState.Segment(s, SegmentIndex.Cs)->Selector:X4}:{s->Eip:X8} {decoder.Decode()}\n");
            lines.Enqueue(line.ToString());
            if (lines.Count > TraceLength)
            {
                lines.Dequeue();
            }

            if (_interpreter.Core.Run(1) is StopReason.Halted or StopReason.Shutdown && !(changes.TryPeek(out (long Retired, ulong Seed, int Round) next) && next.Retired == _interpreter.Retired))
            {
                break;
            }
        }

        foreach (string line in lines)
        {
            text.Append(line);
        }
    }

    /// <summary>Compares the machines behind each run of a region.</summary>
    private sealed class RegionWatch(LockstepRunner runner) : RegionMonitor
    {
        public override EmitModes Modes => EmitModes.NoTransfers;

        public override int Run(CpuState* s, CompiledRegion region, nint context, int entry)
        {
            long before = s->Deadline - s->Budget;
            uint eip = s->Eip;
            int status = region.Run(s, context, entry);
            if (s->Deadline - s->Budget != before)
            {
                // Otherwise an interrupt may have been delivered that the interpreter has not come to.
                runner.Compare(s, status, eip, s->Deadline - s->Budget - before);
            }

            return status;
        }
    }
}
