# ruff: noqa
# fmt: off
"""A draft of a second generator of worlds: other code, other wordings, honest prompts often verbatim, no address class.

Its author knew the detector, so it is no blind test; decision 0008 has what it showed. Arguments: SCENARIO (mixed or quiet)
SEED SCALE LOGS TRUTH. Reads the shared data folder, which STILLWATCH_SHARED_DATA names.
"""
import os
import sys,json,random,math,datetime as dt,collections,bisect
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq

from stillwatch.tables import EXCHANGES, ACCOUNTS, PERMISSIONS, RELEASES
scen,seed,scale,out,truth=sys.argv[1],int(sys.argv[2]),float(sys.argv[3]),Path(sys.argv[4]),Path(sys.argv[5])
R=random.Random(seed*7919+13); D=os.environ['STILLWATCH_SHARED_DATA']+'/'
START=dt.datetime(2026,3,1,tzinfo=dt.timezone.utc); DAYS=30
ben=pq.read_table(D+'2_benign/benign_prompts.parquet').to_pylist()
by=collections.defaultdict(list)
for x in ben: by[x['kind']].append(x['text'])
pairs=pq.read_table(D+'3_distill/distill_pairs_permissive.parquet').to_pylist()
role=[p['prompt'] for p in pairs if p['capability']=='roleplay']; tool=[p['prompt'] for p in pairs if p['capability']!='roleplay']
selfi=pq.read_table(D+'4_lineage/selfinstruct_predictions.parquet').to_pylist()
zero=pq.read_table(D+'4_lineage/zeroeval_outputs.parquet').slice(0,30000).to_pylist()
arena=[x for x in pq.read_table(D+'4_lineage/arena_answers.parquet').to_pylist()]
ans_key=[k for k in arena[0] if k in('answer','output','text','response','content','turns','answers')][0]
arena_txt=[str(x[ans_key])[:600] for x in arena if x[ans_key]]
chat_pool=by['human_chat']+by['human_chat_hard']+by['eval_chat']+role+by['persona_system'][:300]
R.shuffle(chat_pool)
words=[w for t in chat_pool for w in t.split() if w.isalpha() and len(w)>4]
# networks
asn=pq.read_table(D+'5_coordination/ip_asn_v4.parquet').to_pydict(); cc=pq.read_table(D+'5_coordination/ip_country_v4.parquet').to_pydict()
def country(ip):
    i=bisect.bisect_right(cc['start'],ip)-1
    return cc['cc'][i] if i>=0 and cc['end'][i]>=ip else None
host_words=('hosting','cloud','server','data','vps','ovh','hetzner','digitalocean','linode','amazon','google','microsoft','colo')
res_i=[];host_i=[]
for i,o in enumerate(asn['org']):
    o=(o or '').lower()
    (host_i if any(w in o for w in host_words) else res_i).append(i)
def ip_from(idx,want=None):
    for _ in range(200):
        i=R.choice(idx); s,e=asn['start'][i],asn['end'][i]
        if e-s<255: continue
        ip=R.randint(s,e); c=country(ip)
        if c and (want is None or c==want): return ip,c
    return ip,c
def block_ip(base): return (base&~255)|R.randint(1,254)
def s(ip): return '.'.join(str(ip>>k&255) for k in(24,16,8,0))
BIG=['US']*8+['IN','BR','DE','GB','FR','JP','KR','ID','MX','CA','AU','ES','IT','NL','PL','TR','VN','PH','SG','NG']
COMMON_UA=[('OpenAI/Python 1.%d.0'%v,'t13d1516h2_%04x'%(v*37)) for v in range(30,60,3)]+[('Mozilla/5.0 Chrome/%d'%v,'t13d1517h2_%04x'%(v*11)) for v in range(118,130)]+[('node-fetch/%d'%v,'t13d19_%04x'%v) for v in range(2,6)]+[('curl/8.%d'%v,'t13d31_%x'%v) for v in range(4)]+[('langchain/0.%d'%v,'t13d1516h2_%04x'%(30*37)) for v in range(1,4)]
MODELS=['still-large','still-small','still-mini']; NEW='still-large-2'; RELEASED=START+dt.timedelta(days=17,hours=14)
acc=[];ex=[];tacc=[];tex=[];perm=[]
nx=0
class A: pass
def account(kind,cohort,home=None,org=None,domain=None,email=None,card=None,created=None,prog=None,signup=None,ua=None,billing=None,reseller=None):
    a=A(); a.id='u-%08x'%R.getrandbits(32); a.kind,a.cohort=kind,cohort
    want=R.choice(BIG); a.home=home or ip_from(res_i,want)[0]; a.cc=billing or country(a.home) or want
    a.alt=[ip_from(res_i,a.cc)[0] for _ in range(R.choice([0,0,1,2]))]
    a.ua=ua or R.choice(COMMON_UA); a.tz=R.randint(-8,9); a.model=R.choice(MODELS)
    a.params=dict(temperature=R.choice([None,None,0.0,0.2,0.7,1.0]),max_tokens=R.choice([None,None,512,1024,2048,4096]))
    a.topics=[R.choice(words) for _ in range(40)]; a.susp=None
    a.created=created or START-dt.timedelta(days=min(900,R.expovariate(1/200)+1))
    dom=R.choice(['gmail.com']*10+['outlook.com']*4+['proton.me','qq.com','163.com','yahoo.com']*2+['%s.%s'%(R.choice(words).lower(),R.choice(['com','io','co','net'])) for _ in range(6)])
    em=email or '%s%s@%s'%(R.choice(words).lower(),R.choice(['','.'+R.choice(words).lower(),str(R.randint(1,999))]),dom)
    acc.append(dict(account_id=a.id,org_id=org,verified_domain=domain,updated_at=a.created,created_at=a.created,tier=R.choice(['free','pay','pay','scale']),programme=prog or (R.choice(['trial','education','startup']) if R.random()<.08 else None),email_domain=em.split('@')[1],email=em,billing_country=a.cc,verified_country=a.cc if R.random()<.3 else None,payment_fingerprint=card or 'card-%08x'%R.getrandbits(32),card_bin=None if R.random()<.1 else str(400000+R.randint(0,300)),signup_ip=s(signup or block_ip(a.home)),signup_ja4=a.ua[1],signup_user_agent=R.choice(COMMON_UA)[0],reseller_of=reseller))
    a.row=acc[-1]; tacc.append((a.id,kind,cohort)); return a
def volume(mean=60): return max(2,int(R.lognormvariate(math.log(mean)-.6,1.1)))
def when(a,first=None,last=None):
    lo=max(START,a.created,first or START); hi=min(START+dt.timedelta(days=DAYS),last or START+dt.timedelta(days=DAYS))
    if a.susp: hi=min(hi,a.susp)
    if hi<=lo: hi=lo+dt.timedelta(hours=2)
    for _ in range(4):
        t=lo+(hi-lo)*R.random(); h=(t.hour+a.tz)%24
        if R.random()<(.9 if 9<=h<=22 else .15): break
    return t
def emit(a,text,t,ip=None,system=None,tools=None,history=None,outw=None,outtext=None,campaign=None,cap=None,model=None,ua=None,params=None,tool_out=False):
    global nx; nx+=1
    msgs=list(history or [])+[{'role':'user','parts':[{'type':'text','content':text}]}]
    if tool_out: msgs.append({'role':'tool','parts':[{'type':'tool_call_response','id':'c1','response':'ok'}]})
    o=outtext if outtext is not None else R.choice(arena_txt)
    if outw is not None: o=' '.join(o.split()[:outw])
    out_msg=[{'role':'assistant','parts':[{'type':'tool_call','id':'c','name':'run','arguments':{}}] if tool_out else [{'type':'text','content':o}]}]
    u=ua or a.ua; p=params or a.params
    i=ip if ip is not None else (block_ip(a.home) if not a.alt or R.random()<.8 else block_ip(R.choice(a.alt)))
    m=model or a.model
    if m=='still-large' and t>RELEASED and R.random()<.25: m=NEW
    x='req_%012x'%R.getrandbits(48)
    ex.append(dict(exchange_id=x,asked_at=t,account_id=a.id,org_id=a.row['org_id'],pathway='api',operation='chat',model_requested=m,status='ok',input_tokens=len(text)//4+10,output_tokens=int(len(o)/4)+5,client_ip=s(i),ja4=u[1],user_agent=u[0],temperature=p['temperature'],max_tokens=p['max_tokens'],system=None if system is None else json.dumps([{'type':'text','content':system}]),tools=None if tools is None else json.dumps(tools),messages=json.dumps(msgs),output=json.dumps(out_msg),_k=None))
    tex.append((x,campaign,cap))
FU=['thanks, can you shorten that?','and what about %s?','why?','give another example with %s','ok now in a table please','that is wrong, %s was not asked','continue','make it friendlier','translate to french','now explain %s']
def chat_text(a):
    t=chat_pool[min(int(R.paretovariate(.55))-1,10**9)%len(chat_pool)] if R.random()<.06 else R.choice(chat_pool)
    r=R.random()
    if r<.45:   # own words swapped in
        ws=t.split(' ')
        for k in range(len(ws)):
            if ws[k].isalpha() and len(ws[k])>4 and R.random()<.3: ws[k]=R.choice(a.topics)
        t=' '.join(ws)
    elif r<.75: t=R.choice(['','hey, ','hi! ','Question: '])+t+' '+R.choice(['','thanks','Context: my %s and %s.'%(R.choice(a.topics),R.choice(a.topics)),'please focus on %s'%R.choice(a.topics)])
    return t[:1200]
def do_chat(a,n,**k):
    done=0
    while done<n:
        t=when(a); q=chat_text(a); emit(a,q,t,**k); done+=1; h=[{'role':'user','parts':[{'type':'text','content':q}]},{'role':'assistant','parts':[{'type':'text','content':'Sure. '+R.choice(arena_txt)[:150]}]}]
        while done<n and R.random()<.45:
            f=R.choice(FU); f=f%R.choice(a.topics) if '%s' in f else f; t=t+dt.timedelta(minutes=R.random()*9+.5)
            emit(a,f,t,history=h,**k); done+=1
            h=h+[{'role':'user','parts':[{'type':'text','content':f}]},{'role':'assistant','parts':[{'type':'text','content':'Ok.'}]}]; h=h[-6:]
def doc(a,n=40): return ' '.join(R.choice(a.topics) if R.random()<.5 else R.choice(words) for _ in range(n))
def N(x): return max(1,int(round(x*scale)))
def Nb(x,least=12): return max(least,int(round(x*min(scale,1))))
honest=[]
for _ in range(N(2350)):
    a=account('legit','chat'); honest.append(a); do_chat(a,volume())
HAR=[('You are Forge, an agentic command line assistant for software engineering. '+' '.join('Rule %d: %s.'%(i,' '.join(R.choice(words) for _ in range(14))) for i in range(60)),[{'name':n,'description':'%s a thing in the repository'%n,'parameters':{}} for n in('read','edit','bash','grep')]) for _ in range(3)]
for _ in range(N(260)):
    a=account('legit','coding_agent'); sysm,tl=R.choice(HAR); n=volume(120)
    while n>0:
        t=when(a); q='%s in %s.py: %s'%(R.choice(['fix the crash','add a test','rename','refactor','why does this fail','implement']),R.choice(a.topics),doc(a,12)); L=R.randint(2,12)
        for i in range(min(L,n)):
            emit(a,q,t+dt.timedelta(seconds=25*i),system=sysm,tools=tl,tool_out=True)
        n-=L
for g in range(3):   # key-bringing apps
    pre='You are %sly, the writing companion inside our editor. Keep the voice of the author. '%R.choice(words)+' '.join(R.choice(words) for _ in range(120))
    temps=['Improve the following paragraph and list three suggestions for the author.\n\n%s','Write the next section of the draft in the same voice.\n\nDraft so far:\n%s']
    tag=('%sApp/2.%d'%(R.choice(words).capitalize(),g),'t13d_app%d'%g)
    for _ in range(N(70)):
        a=account('look_alike','key_bringing_app',ua=tag)
        for _ in range(volume()):
            if R.random()<.75: emit(a,R.choice(temps)%doc(a,60),when(a),system=pre,params=dict(temperature=.8,max_tokens=900))
            else: do_chat(a,1)
for g in range(6):   # undeclared enterprise, one office
    off=ip_from(res_i,R.choice(BIG))[0]; temp='Extract %s, %s and %s from the message below. Return JSON only.\nMessage: %%s'%tuple(R.choice(words) for _ in range(3)); dm='%s%d.com'%(R.choice(words).lower(),g); u=R.choice(COMMON_UA)
    if g%2: temp='You write replies for the support desk of %s. Draft a short reply to this customer.\nCustomer: %%s'%R.choice(words)
    for _ in range(N(30)):
        a=account('look_alike','enterprise_undeclared',home=off,ua=u,email='%s.%s@%s'%(R.choice(words).lower(),R.choice(words).lower(),dm) if g%3 else None); a.alt=[]
        for _ in range(volume()): emit(a,temp%doc(a,45),when(a),outw=25)
for g in range(4):
    off=ip_from(res_i)[0]; dm='%s.org'%R.choice(words).lower()
    temp='Classify this ticket for %s as one of: billing, defect, question.\nTicket: %%s'%R.choice(words)
    for _ in range(N(35)):
        a=account('look_alike','enterprise_declared',home=off,org='org-%s'%dm,domain=dm)
        for _ in range(volume()): emit(a,temp%doc(a,30),when(a),outw=5)
for g in range(3):
    nat=ip_from(res_i)[0]; hw=[R.choice(by['eval_math']+by['eval_knowledge']) for _ in range(14)]; dm='u%d.edu'%g
    for _ in range(N(70)):
        a=account('look_alike','university',home=nat,prog='education' if R.random()<.6 else None,email='s%d@%s'%(R.randint(1000,9999),dm) if R.random()<.7 else None)
        for _ in range(R.randint(4,14)): emit(a,R.choice(['','Solve: ','Homework 3, explain each step: ','can you show your work for this? '])+R.choice(hw),when(a,START+dt.timedelta(days=6),START+dt.timedelta(days=19)))
        do_chat(a,volume(25))
HT=['Question: %s\nAnswer:','The following are multiple choice questions (with answers).\n\n%s\nAnswer:','%s\nLet\'s think step by step.']
for _ in range(N(80)):
    a=account('look_alike','evaluation_harness'); ht=R.choice(HT); st=R.choice([by['eval_math'][:1500],by['eval_knowledge'][:1500]])
    for _ in range(volume(90)): emit(a,ht%R.choice(st),when(a),params=dict(temperature=0.0,max_tokens=512))
lang=[t for t in by['rag_template'] if '{' in t and len(t)<1500] or by['rag_template']
for _ in range(N(140)):
    a=account('look_alike','framework_default'); lt=R.choice(lang[:12])
    for _ in range(volume()): emit(a,lt+'\n'+doc(a,70)+'\nQuestion: '+doc(a,8),when(a))
jt=[t for t in by['judge_template'] if 200<len(t)<2500]
for _ in range(N(60)):
    a=account('look_alike','llm_judge'); t0=R.choice(jt[:10])
    for _ in range(volume(50)): emit(a,t0+'\nInput: '+doc(a,15)+'\nActual output: '+doc(a,50),when(a),params=dict(temperature=0.0,max_tokens=512))
JOBS=['Translate to German:\n%s','Summarize in two sentences:\n%s','Label the sentiment (pos/neg/neu):\n%s','Write a product description from these attributes: %s','Extract all company names as JSON:\n%s','Write alt text for: %s']
for _ in range(N(140)):
    a=account('legit','batch_job'); j=R.choice(JOBS); pre=R.choice(['','Client %s. '%R.choice(words)])
    for _ in range(volume(100)): emit(a,pre+j%doc(a,50),when(a),outw=R.choice([5,30,60]))
V='Pretend you are my cat and write a resignation letter to me, with full legal citations.'
for _ in range(N(130)):
    a=account('look_alike','viral_prompt')
    for _ in range(R.randint(1,3)): emit(a,V,when(a,START+dt.timedelta(days=10),START+dt.timedelta(days=12)))
    do_chat(a,volume(45))
venue=ip_from(res_i)[0]
for _ in range(N(90)):
    a=account('look_alike','hackathon',prog='trial' if R.random()<.7 else None,created=START+dt.timedelta(days=12,hours=R.random()*8) if R.random()<.7 else None,signup=block_ip(venue) if R.random()<.6 else None)
    for _ in range(R.randint(8,40)): emit(a,'You are the assistant of team %s at BuildWeekend. Use the starter kit. %s'%(a.topics[0],doc(a,25)),when(a,START+dt.timedelta(days=12,hours=8),START+dt.timedelta(days=14)),ip=block_ip(venue))
    if a.created<START+dt.timedelta(days=12): do_chat(a,volume(20))
for _ in range(3):
    a=account('look_alike','reseller_declared',reseller='stillwatch')
    for _ in range(N(1200)): b=R.choice(honest); emit(a,chat_text(b),when(a))
pool_r=[ip_from(host_i)[0] for _ in range(6)]
for _ in range(N(30)):
    a=account('look_alike','reseller_undeclared',signup=block_ip(R.choice(pool_r)),card='card-res%d'%R.randint(0,4),ua=COMMON_UA[2])
    for _ in range(volume()): emit(a,chat_text(R.choice(honest)),when(a),ip=block_ip(R.choice(pool_r)))
for _ in range(N(25)):
    a=account('look_alike','permitted_distiller'); perm.append(dict(account_id=a.id,purpose='distillation',reference='DPA-%d'%R.randint(100,999),starts_at=START-dt.timedelta(days=100)))
    for _ in range(volume(180)): emit(a,'Solve the problem. Give complete reasoning before the final answer.\n\n'+R.choice(by['eval_math']),when(a),params=dict(temperature=.7,max_tokens=4096))
for _ in range(N(40)):
    a=account('look_alike','hobbyist'); th=R.choice(words)
    for _ in range(volume(70)): emit(a,'Come up with a new question and answer about %s and %s for my little dataset.'%(th,R.choice(words)),when(a))
def alt(*o): return R.choice(o)
CAMPS={
 'amber':(300,by['eval_math'],'cot_elicitation','p1',lambda m,c: ('Work through the exercise below and write out the whole chain of thought before you state the result.\n\n%s' if c else alt('Go slowly through this one','Take the task underneath','Here is an exercise')+alt(', spell out how you think',' and put every intermediate thought on paper',', narrating each deduction')+alt(' and only then conclude.',' and finish with the result.')+'\n\n%s')%m),
 'basalt':(160,None,'rubric_grading','p2',lambda m,c: ('Below are a task and two candidate solutions. Give each a mark from 1 to 10 for correctness, depth and tone, then name the stronger one.\n\nTask: %s\n\nFirst: %s\n\nSecond: %s' if c else alt('Judge these two replies','Act as an examiner of the two replies','Two replies follow; assess them')+alt(' on a ten point scale',' with marks out of ten')+alt(' and say which wins.',' and pick the winner.')+'\n\nTask: %s\n\nFirst: %s\n\nSecond: %s')%m),
 'cobalt':(90,tool,'agentic_coding','p2',lambda m,c: ('You control a sandboxed shell. Plan the calls you would make, list each with its arguments, then give the final patch for: %s' if c else alt('With shell access','Inside the sandbox')+alt(', draft a plan of tool calls',', enumerate the commands to run')+alt(' and end with a diff for: ',' and produce the patch for: ')+'%s')%m),
 'dune':(50,by['persona_system'],'data_synthesis','p3',lambda m,c: ('Invent three hard user requests and ideal answers for a chatbot that plays this persona, as JSON lines.\n\nPersona: %s' if c else alt('Create a few difficult','Make up three demanding')+alt(' dialogues with model answers',' request/response examples')+alt(' for the persona here',' in the style of this persona')+', one JSON object a line.\n\n%s')%m),
 'ember':(22,None,'post_hoc_reasoning','p4',lambda m,c: ('The verified solution is given. Write the thinking that an expert would have had on the way to it.\n\nProblem: %s\n\nVerified solution: %s' if c else alt('Given the checked result,','Knowing the outcome,')+alt(' reconstruct the thoughts',' recover the considerations')+alt(' that lead there.',' behind it.')+'\n\nProblem: %s\n\nResult: %s')%m),
}
if scen=='mixed':
    pools={p:[ip_from(host_i)[0] for _ in range(n)] for p,n in (('p1',40),('p2',36),('p3',14),('p4',8))}
    for camp,(size,mat,cap,p,make) in CAMPS.items():
        size=Nb(size); cards=['card-%s%d'%(camp,i) for i in range(max(3,size//6))]; bins=[str(470000+R.randint(0,99)) for _ in range(5)]; uas=R.sample(COMMON_UA,4); params=[dict(temperature=t,max_tokens=m) for t,m in((.7,4096),(1.0,2048))]
        seen=0; edom=['%s.%s'%(R.choice(words).lower(),R.choice(['com','net'])) for _ in range(4)]
        todo=[size]; replaced=0; i=0; total=size
        while i<total:
            i+=1
            created=START-dt.timedelta(days=R.expovariate(1/60)) if R.random()<.75 else START+dt.timedelta(days=R.random()*20)
            home=ip_from(res_i,R.choice(['US','US','GB','SG','DE','CA','JP']))[0]
            a=account('operator',camp,home=home,created=created,prog=R.choice(['education','startup','trial']) if R.random()<.3 else None,card=R.choice(cards) if R.random()<.4 else None,signup=block_ip(R.choice(pools[p])) if R.random()<.35 else None,email='%s%d@%s'%(R.choice(words).lower(),R.randint(10,99),R.choice(edom)) if R.random()<.3 else None,ua=R.choice(uas) if R.random()<.6 else None)
            if R.random()<.3: a.row['card_bin']=R.choice(bins)
            if R.random()<.12 and i<=size: a.susp=START+dt.timedelta(days=8+R.random()*14); a.row['suspended_at']=a.susp; total+=1 if R.random()<.7 else 0
            n=max(1,int(R.lognormvariate(1.7,1.15))); touches=R.random()<.75; prms=R.choice(params)
            for _ in range(n):
                if mat is not None: m=R.choice(mat)[:900]; m=m.replace('%','')
                else:
                    z=R.choice(zero); q=R.choice(by['eval_math']).replace('%','')
                    m=(q,R.choice(zero)['output'][:400].replace('%',''),R.choice(zero)['output'][:400].replace('%','')) if camp=='basalt' else (q,R.choice(zero)['output'][-200:].replace('%',''))
                txt=make(m,R.random()>.3)
                rot=R.random()<.5
                ip=block_ip(R.choice(pools[p])) if touches and not rot else ip_from(res_i)[0] if R.random()<.5 else block_ip(a.home)
                t=when(a); mod=NEW if t>RELEASED and camp in('amber','dune') and R.random()<.8 else 'still-large'
                emit(a,txt,t,ip=ip,campaign=camp,cap=cap,params=prms,model=mod,outtext=R.choice(zero)['output'][:1500])
            b=R.choice(honest); keep=a.topics; a.topics=b.topics; do_chat(a,min(4*n,400)); a.topics=keep
        for v in range({'amber':5,'basalt':3,'cobalt':4,'dune':2,'ember':1}[camp]):
            a=account('victim','stolen_key',created=START-dt.timedelta(days=100+R.random()*400)); do_chat(a,volume(50)); w=START+dt.timedelta(days=5+R.random()*20)
            for _ in range(R.randint(6,50)):
                if mat is not None: m=R.choice(mat)[:900].replace('%','')
                else:
                    q=R.choice(by['eval_math']).replace('%',''); m=(q,R.choice(zero)['output'][:400].replace('%',''),R.choice(zero)['output'][:400].replace('%','')) if camp=='basalt' else (q,R.choice(zero)['output'][-200:].replace('%',''))
                emit(a,make(m,R.random()>.3),w+dt.timedelta(hours=R.random()*50),ip=block_ip(R.choice(pools[p])),campaign=camp,cap=cap,ua=R.choice(uas),params=params[0],model='still-large',outtext=R.choice(zero)['output'][:1500])
else: pools={p:[ip_from(host_i)[0] for _ in range(20)] for p in('p1','p2')}
for _ in range(N(60)):
    a=account('look_alike','bystander'); n=volume(50); do_chat(a,n//2)
    for _ in range(n-n//2): emit(a,chat_text(a),when(a),ip=block_ip(R.choice(pools['p2'])))
for _ in range(N(70)):
    a=account('look_alike','provider_customer',signup=block_ip(R.choice(pools['p2'])),card='card-prov%d'%R.randint(0,14) if R.random()<.3 else None)
    for _ in range(volume()): emit(a,chat_text(a),when(a),ip=block_ip(R.choice(pools['p2'])))
ex_order=list(range(len(ex))); R.shuffle(ex_order)
(out/'exchanges').mkdir(parents=True,exist_ok=True); truth.mkdir(parents=True,exist_ok=True)
def table(rows,schema): return pa.table({f.name:pa.array([r.get(f.name) for r in rows],f.type) for f in schema},schema=schema)
sch=pa.schema([f for f in EXCHANGES if f.name!='extra'])
for i in range(0,len(ex),60000): pq.write_table(table([ex[j] for j in ex_order[i:i+60000]],sch),out/'exchanges'/('part%d.parquet'%(i//60000)))
pq.write_table(table(acc,ACCOUNTS),out/'accounts.parquet'); pq.write_table(table(perm,PERMISSIONS),out/'permissions.parquet'); pq.write_table(table([dict(model=NEW,released_at=RELEASED)],RELEASES),out/'releases.parquet')
pq.write_table(pa.table({'account_id':[t[0] for t in tacc],'kind':[t[1] for t in tacc],'cohort':[t[2] for t in tacc]}),truth/'accounts.parquet')
pq.write_table(pa.table({'exchange_id':[t[0] for t in tex],'campaign':pa.array([t[1] for t in tex],pa.string()),'capability':pa.array([t[2] for t in tex],pa.string())}),truth/'exchanges.parquet')
print(len(acc),len(ex),collections.Counter(t[2] for t in tacc))
n=collections.Counter(e['account_id'] for e,t in zip(ex,tex) if t[1]); co={t[0]:t for t in tacc}
print('extraction',{c:sum(v for k,v in n.items() if co[k][2]==c) for c in CAMPS}, 'few',sum(v<4 for k,v in n.items() if co[k][1]=='operator'),sum(1 for k in n if co[k][1]=='operator'))
